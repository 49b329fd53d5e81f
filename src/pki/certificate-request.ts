import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { K3sError } from '../core/errors.ts';
import { children, decodeDer, encodeDer, objectIdentifier, primitiveBytes } from './der.ts';

/** Signature algorithm → hash, by the bytes of the object identifier. */
const HASHES = new Map(
  [
    ['1.2.840.10045.4.3.2', 'sha256'],
    ['1.2.840.10045.4.3.3', 'sha384'],
    ['1.2.840.10045.4.3.4', 'sha512'],
    ['1.2.840.113549.1.1.11', 'sha256'],
    ['1.2.840.113549.1.1.12', 'sha384'],
    ['1.2.840.113549.1.1.13', 'sha512'],
    ['1.3.101.112', undefined],
  ].map(([oid = '', hash]) => [encodeDer(objectIdentifier(oid)).toString('hex'), hash]),
);

/**
 * The public key of a certificate signing request (PKCS #10, DER), once the request proves that its sender has the private
 * key. The subject and the extensions that it asks for are not read: what a certificate says is decided by who signs it.
 */
export function requestedPublicKey(der: Uint8Array): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = provenKey(der);
  } catch (error) {
    throw refused('is malformed', error);
  }
  if (key === undefined) throw refused('is not signed with the key that it is for');
  return key;
}

function provenKey(der: Uint8Array): KeyObject | undefined {
  const [information, algorithm, signature] = children(decodeDer(der));
  const [, , publicKeyInformation] = children(information);
  const [oid] = children(algorithm);
  const bits = primitiveBytes(signature);
  if (information === undefined || publicKeyInformation === undefined || oid === undefined || bits === undefined) {
    throw new TypeError('not a PKCS #10 structure');
  }
  const identifier = encodeDer(oid).toString('hex');
  if (!HASHES.has(identifier)) throw new TypeError('an unsupported signature algorithm');
  const key = createPublicKey({ key: encodeDer(publicKeyInformation), format: 'der', type: 'spki' });
  // The first byte of a bit string counts its unused bits.
  return verify(HASHES.get(identifier), encodeDer(information), key, bits.subarray(1)) ? key : undefined;
}

function refused(what: string, cause?: unknown): K3sError {
  return new K3sError('K3S_PKI_REQUEST', `the certificate signing request ${what}`, { cause });
}
