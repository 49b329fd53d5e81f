import { createPrivateKey, generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { nullValue, objectIdentifier, sequence, type DerNode } from './der.ts';

const generate = promisify(generateKeyPair);

/** A new ECDSA P-256 key: what every certificate here uses. */
export async function generateEcKey(): Promise<KeyObject> {
  return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
}

/** A new RSA 2048 key: what service account tokens are signed with. */
export async function generateRsaKey(): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength: 2048 })).privateKey;
}

/** PEM in the traditional form of the key's type: `EC PRIVATE KEY` (RFC 5915), `RSA PRIVATE KEY` (RFC 8017), else PKCS #8. */
export function privateKeyPem(key: KeyObject): string {
  const type = key.asymmetricKeyType === 'ec' ? 'sec1' : key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'pkcs8';
  return key.export({ format: 'pem', type }).toString();
}

/** Reads the first private key of a PEM text. Throws when there is none, or when it is encrypted. */
export function parsePrivateKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}

interface Signer {
  readonly algorithm: DerNode;
  readonly hash: string | null;
}

const ECDSA: Readonly<Record<string, Signer>> = {
  prime256v1: { algorithm: sequence(objectIdentifier('1.2.840.10045.4.3.2')), hash: 'sha256' },
  secp384r1: { algorithm: sequence(objectIdentifier('1.2.840.10045.4.3.3')), hash: 'sha384' },
  secp521r1: { algorithm: sequence(objectIdentifier('1.2.840.10045.4.3.4')), hash: 'sha512' },
};
const RSA: Signer = { algorithm: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nullValue()), hash: 'sha256' };
const ED25519: Signer = { algorithm: sequence(objectIdentifier('1.3.101.112')), hash: null };

/**
 * How this key signs certificates: the AlgorithmIdentifier (RFC 5758, RFC 8017, RFC 8410) and the hash.
 * Undefined for a kind of key that Kubernetes components would not accept.
 */
export function signerOf(key: KeyObject): Signer | undefined {
  if (key.asymmetricKeyType === 'rsa') return RSA;
  if (key.asymmetricKeyType === 'ed25519') return ED25519;
  return ECDSA[key.asymmetricKeyDetails?.namedCurve ?? ''];
}

/** The signature as a certificate carries it; ECDSA signatures are DER-encoded. */
export function signWith(key: KeyObject, signer: Signer, data: Uint8Array): Buffer {
  return sign(signer.hash, data, key);
}
