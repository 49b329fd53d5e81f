import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';
import * as oracle from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import { issueLeaf, selfSignAuthority, type Issuer, type LeafRequest } from '../../src/pki/certificate.ts';
import { generateEcKey } from '../../src/pki/private-key.ts';

const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') };

async function authority(key?: KeyObject): Promise<Issuer> {
  const signingKey = key ?? (await generateEcKey());
  return { certificate: selfSignAuthority('test-ca@1', signingKey, validity), key: signingKey };
}

async function leaf(issuer: Issuer, request: Partial<LeafRequest> = {}): Promise<X509Certificate> {
  const key = await generateEcKey();
  return issueLeaf(issuer, {
    subject: { commonName: 'leaf' },
    publicKey: createPublicKey(key),
    usages: ['client'],
    names: [],
    ...validity,
    ...request,
  });
}

function read(certificate: X509Certificate): oracle.X509Certificate {
  return new oracle.X509Certificate(certificate.raw);
}

describe('an authority', () => {
  test('is self-signed and may sign certificates', async () => {
    const { certificate } = await authority();
    const seen = read(certificate);
    expect(seen.subject).toBe('CN=test-ca@1');
    expect(seen.issuer).toBe('CN=test-ca@1');
    expect(await seen.verify({ publicKey: seen.publicKey, signatureOnly: true })).toBe(true);
    expect(seen.getExtension(oracle.BasicConstraintsExtension)).toMatchObject({ ca: true, critical: true });
    expect(seen.getExtension(oracle.KeyUsagesExtension)).toMatchObject({
      usages:
        oracle.KeyUsageFlags.digitalSignature | oracle.KeyUsageFlags.keyEncipherment | oracle.KeyUsageFlags.keyCertSign,
      critical: true,
    });
  });

  test('signs with ECDSA on P-256 and SHA-256', async () => {
    const { certificate } = await authority();
    expect(read(certificate).signatureAlgorithm).toMatchObject({ name: 'ECDSA', hash: { name: 'SHA-256' } });
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  test.each([
    ['an RSA key', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['a P-384 key', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['a P-521 key', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
    ['an Ed25519 key', generateKeyPairSync('ed25519').privateKey],
  ])('may have %s', async (_, key) => {
    const issuer = await authority(key);
    const signed = await leaf(issuer);
    expect(issuer.certificate.verify(issuer.certificate.publicKey)).toBe(true);
    expect(signed.verify(issuer.certificate.publicKey)).toBe(true);
    expect(signed.checkIssued(issuer.certificate)).toBe(true);
  });

  test('cannot have a key that does not sign', async () => {
    const { privateKey } = generateKeyPairSync('x25519');
    await expect(authority(privateKey)).rejects.toThrow('cannot sign certificates');
  });
});

describe('a leaf', () => {
  test('carries its subject, with organizations', async () => {
    const certificate = await leaf(await authority(), {
      subject: { commonName: 'system:admin', organizations: ['system:masters', 'ops'] },
    });
    expect(read(certificate).subjectName.toJSON()).toEqual([
      { O: ['system:masters'] },
      { O: ['ops'] },
      { CN: ['system:admin'] },
    ]);
  });

  test('is no authority and may only be used for what it was asked for', async () => {
    const seen = read(await leaf(await authority(), { usages: ['server', 'client'] }));
    expect(seen.getExtension(oracle.BasicConstraintsExtension)).toMatchObject({ ca: false, critical: true });
    expect(seen.getExtension(oracle.ExtendedKeyUsageExtension)?.usages).toEqual([
      oracle.ExtendedKeyUsage.serverAuth,
      oracle.ExtendedKeyUsage.clientAuth,
    ]);
    expect(seen.getExtension(oracle.KeyUsagesExtension)?.usages).toBe(
      oracle.KeyUsageFlags.digitalSignature | oracle.KeyUsageFlags.keyEncipherment,
    );
  });

  test('carries DNS names and addresses as what they are', async () => {
    const names = ['localhost', '*.example.com', '127.0.0.1', '::1', '2001:db8::8'];
    const seen = read(await leaf(await authority(), { names }));
    expect(seen.getExtension(oracle.SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
      { type: 'dns', value: 'localhost' },
      { type: 'dns', value: '*.example.com' },
      { type: 'ip', value: '127.0.0.1' },
      { type: 'ip', value: '::1' },
      { type: 'ip', value: '2001:db8::8' },
    ]);
  });

  test('without names has no extension for them', async () => {
    const seen = read(await leaf(await authority()));
    expect(seen.getExtension(oracle.SubjectAlternativeNameExtension)).toBeNull();
  });

  test("names its issuer's key by the issuer's own identifier", async () => {
    const issuer = await authority();
    const seen = read(await leaf(issuer));
    const identifier = read(issuer.certificate).getExtension(oracle.SubjectKeyIdentifierExtension)?.keyId;
    expect(identifier).toMatch(/^[0-9a-f]{40}$/);
    expect(seen.getExtension(oracle.AuthorityKeyIdentifierExtension)?.keyId).toBe(identifier);
    expect(seen.getExtension(oracle.SubjectKeyIdentifierExtension)?.keyId).not.toBe(identifier);
  });

  test('has a positive serial number that is not used twice', async () => {
    const issuer = await authority();
    const serials = await Promise.all(Array.from({ length: 20 }, async () => (await leaf(issuer)).serialNumber));
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(BigInt(`0x${serial}`)).toBeLessThan(2n ** 63n);
  });

  test('is valid to the second, before and after 2050', async () => {
    const notBefore = new Date('2049-12-31T23:59:58Z');
    const notAfter = new Date('2050-01-01T00:00:01Z');
    const certificate = await leaf(await authority(), { notBefore, notAfter });
    expect(certificate.validFromDate).toEqual(notBefore);
    expect(certificate.validToDate).toEqual(notAfter);
    expect(read(certificate).notAfter).toEqual(notAfter);
  });

  test("repeats its issuer's name to the byte, however that was encoded", async () => {
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const foreign = await oracle.X509CertificateGenerator.createSelfSigned({
      name: 'C=DE, O=Würstchen GmbH, CN=printable',
      keys,
      notBefore: validity.notBefore,
      notAfter: validity.notAfter,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [new oracle.BasicConstraintsExtension(true, undefined, true)],
    });
    const { X509Certificate, KeyObject } = await import('node:crypto');
    const issuer = { certificate: new X509Certificate(foreign.toString('pem')), key: KeyObject.from(keys.privateKey) };
    const certificate = await leaf(issuer);
    expect(certificate.checkIssued(issuer.certificate)).toBe(true);
    expect(certificate.verify(issuer.certificate.publicKey)).toBe(true);
    expect(read(certificate).getExtension(oracle.AuthorityKeyIdentifierExtension)).toBeNull();
  });
});
