import 'reflect-metadata';
import { KeyObject, type webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import { requestedPublicKey } from '../../src/pki/certificate-request.ts';

type Algorithm = webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | { name: 'Ed25519' };

async function request(algorithm: Algorithm, hash: string): Promise<{ der: Buffer; publicKey: KeyObject }> {
  const generated = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const keys = generated as webcrypto.CryptoKeyPair;
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=system:node:other, O=system:masters',
    keys,
    signingAlgorithm: { name: algorithm.name, hash },
  });
  return { der: Buffer.from(csr.rawData), publicKey: KeyObject.from(keys.publicKey) };
}

describe('a certificate signing request', () => {
  test.each<[string, Algorithm, string]>([
    ['ECDSA with P-256', { name: 'ECDSA', namedCurve: 'P-256' }, 'SHA-256'],
    ['ECDSA with P-384', { name: 'ECDSA', namedCurve: 'P-384' }, 'SHA-384'],
    [
      'RSA',
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
      'SHA-256',
    ],
    ['Ed25519', { name: 'Ed25519' }, ''],
  ])('signed by %s yields its public key', async (_, algorithm, hash) => {
    const { der, publicKey } = await request(algorithm, hash);
    expect(requestedPublicKey(der).equals(publicKey)).toBe(true);
  });

  test('whose signature does not fit is refused', async () => {
    const { der } = await request({ name: 'ECDSA', namedCurve: 'P-256' }, 'SHA-256');
    const other = await request({ name: 'ECDSA', namedCurve: 'P-256' }, 'SHA-256');
    const at = der.indexOf(Buffer.from('system:masters'));
    der[at] = 'S'.charCodeAt(0);
    expect(() => requestedPublicKey(der)).toThrow(/not signed with the key/);
    expect(() => requestedPublicKey(other.der.subarray(0, -1))).toThrow(/malformed/);
  });

  test.each([[''], ['30030201ff'], ['3000'], ['ff']])('is malformed as %s', (hex) => {
    expect(() => requestedPublicKey(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'K3S_PKI_REQUEST' }),
    );
  });
});
