import 'reflect-metadata';
import { generateKeyPairSync, createPublicKey, type KeyObject } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { ensureAuthority, readAuthority } from '../../src/pki/authority.ts';
import { issueLeaf, selfSignAuthority, type Issuer } from '../../src/pki/certificate.ts';
import { generateEcKey, privateKeyPem } from '../../src/pki/private-key.ts';

const clock = new VirtualClock('2026-03-01T12:00:00Z');
const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2030-01-01T00:00:00Z') };

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'k3s-authority-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function selfSigned(name: string, key?: KeyObject): Promise<Issuer> {
  const signingKey = key ?? (await generateEcKey());
  return { certificate: selfSignAuthority(name, signingKey, validity), key: signingKey };
}

async function supply(base: string, certificates: readonly { toString(): string }[], key: KeyObject): Promise<void> {
  await writeFile(`${base}.crt`, certificates.join(''));
  await writeFile(`${base}.key`, privateKeyPem(key));
}

describe('where there is no authority', () => {
  test('one is made, valid for ten years from an hour ago, named after its role and birth', async () => {
    const base = join(await directory(), 'tls/client-ca');
    const authority = await ensureAuthority(base, 'k3s-client', clock);
    expect(authority.certificate.subject).toBe('CN=k3s-client-ca@1772366400');
    expect(authority.certificate.validFromDate).toEqual(new Date('2026-03-01T11:00:00Z'));
    expect(authority.certificate.validToDate).toEqual(new Date('2036-02-27T12:00:00Z'));
    expect(authority.root).toBe(authority.certificate);
  });

  test('the key is for the owner only and in the form that Go programs write', async () => {
    const base = join(await directory(), 'client-ca');
    await ensureAuthority(base, 'k3s-client', clock);
    expect((await stat(`${base}.key`)).mode & 0o777).toBe(0o600);
    expect((await stat(`${base}.crt`)).mode & 0o777).toBe(0o644);
    expect(await readFile(`${base}.key`, 'utf8')).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
  });

  test('nothing but the pair is left in the directory', async () => {
    const path = await directory();
    await ensureAuthority(join(path, 'client-ca'), 'k3s-client', clock);
    expect((await readdir(path)).sort()).toEqual(['client-ca.crt', 'client-ca.key']);
  });

  test('a place that cannot be written to is an error that says where and what to do', async () => {
    const path = await directory();
    await writeFile(join(path, 'tls'), 'a file where a directory should be');
    const base = join(path, 'tls/client-ca');
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toMatchObject({
      code: 'K3S_PKI_READ',
      message: `cannot read ${base}.key`,
      hint: expect.stringContaining('move it away'),
    });
  });
});

describe('an authority on disk', () => {
  test('is used and stays as it is', async () => {
    const base = join(await directory(), 'client-ca');
    const first = await ensureAuthority(base, 'k3s-client', clock);
    const second = await ensureAuthority(base, 'k3s-client', clock);
    expect(second.bundle).toBe(first.bundle);
    expect(second.key.equals(first.key)).toBe(true);
  });

  test("may be the user's own, with an RSA key in PKCS #8", async () => {
    const base = join(await directory(), 'client-ca');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const own = await selfSigned('Example CA', privateKey);
    await writeFile(`${base}.crt`, own.certificate.toString());
    await writeFile(`${base}.key`, privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const before = await readFile(`${base}.key`, 'utf8');
    const authority = await ensureAuthority(base, 'k3s-client', clock);
    expect(authority.certificate.subject).toBe('CN=Example CA');
    expect(await readFile(`${base}.key`, 'utf8')).toBe(before);
  });

  test('may be an intermediate one, followed by its chain up to the root in any order', async () => {
    const base = join(await directory(), 'server-ca');
    const root = await selfSigned('Example Root');
    const upper = await intermediate(root, 'Example Upper');
    const lower = await intermediate(upper, 'Example Lower');
    await supply(base, [lower.certificate, root.certificate, upper.certificate], lower.key);
    const authority = await ensureAuthority(base, 'k3s-server', clock);
    expect(authority.certificate.fingerprint256).toBe(lower.certificate.fingerprint256);
    expect(authority.root.fingerprint256).toBe(root.certificate.fingerprint256);
  });
});

/** Signs an authority with another one, which the production code never does: openssl is not needed for that. */
async function intermediate(issuer: Issuer, name: string): Promise<Issuer> {
  const { X509CertificateGenerator, BasicConstraintsExtension } = await import('@peculiar/x509');
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    new Uint8Array(issuer.key.export({ format: 'der', type: 'pkcs8' })),
    { name: 'ECDSA', namedCurve: 'P-256' },
    true,
    ['sign'],
  );
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer.certificate.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    ...validity,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  const { KeyObject, X509Certificate } = await import('node:crypto');
  return { certificate: new X509Certificate(certificate.toString('pem')), key: KeyObject.from(keys.privateKey) };
}

describe('what cannot be used is refused, and the file is named', () => {
  test.each(['crt', 'key'])('a pair without its .%s', async (missing) => {
    const base = join(await directory(), 'client-ca');
    await ensureAuthority(base, 'k3s-client', clock);
    await rm(`${base}.${missing}`);
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toMatchObject({
      code: 'K3S_PKI_INCOMPLETE_AUTHORITY',
      fields: { path: `${base}.${missing}` },
    });
  });

  test.each([
    ['crt', 'nothing of use\n'],
    ['crt', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
    ['crt', ''],
    ['key', '-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n'],
    ['key', ''],
  ])('a damaged .%s (%j)', async (ending, content) => {
    const base = join(await directory(), 'client-ca');
    await ensureAuthority(base, 'k3s-client', clock);
    await writeFile(`${base}.${ending}`, content);
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toMatchObject({
      code: 'K3S_PKI_DAMAGED_FILE',
      fields: { path: `${base}.${ending}` },
    });
    expect(await readFile(`${base}.${ending}`, 'utf8')).toBe(content);
  });

  test('an encrypted key', async () => {
    const base = join(await directory(), 'client-ca');
    const own = await selfSigned('Example CA');
    await writeFile(`${base}.crt`, own.certificate.toString());
    const options = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
    await writeFile(`${base}.key`, own.key.export(options));
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toThrow(/client-ca\.key holds an encrypted/);
  });

  test('a key of another certificate', async () => {
    const base = join(await directory(), 'client-ca');
    await supply(base, [(await selfSigned('Example CA')).certificate], await generateEcKey());
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toMatchObject({
      code: 'K3S_PKI_KEY_MISMATCH',
      message: `${base}.key is not the key of ${base}.crt`,
    });
  });

  test('a certificate that is no authority', async () => {
    const base = join(await directory(), 'client-ca');
    const root = await selfSigned('Example CA');
    const key = await generateEcKey();
    const subject = { commonName: 'leaf' };
    const publicKey = createPublicKey(key);
    const leaf = issueLeaf(root, { subject, publicKey, usages: ['server'], names: [], ...validity });
    await supply(base, [leaf, root.certificate], key);
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toMatchObject({
      code: 'K3S_PKI_UNUSABLE_AUTHORITY',
      message: expect.stringContaining('not a certificate authority'),
    });
  });

  test('an intermediate without its root', async () => {
    const base = join(await directory(), 'client-ca');
    const lower = await intermediate(await selfSigned('Example Root'), 'Example Lower');
    const stranger = await selfSigned('Example Root');
    await supply(base, [lower.certificate, stranger.certificate], lower.key);
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toThrow(/without the certificates up to its root/);
  });

  test('an authority that has expired', async () => {
    const base = join(await directory(), 'client-ca');
    const own = await selfSigned('Example CA');
    await supply(base, [own.certificate], own.key);
    const late = new VirtualClock('2030-01-01T00:00:00Z');
    await expect(ensureAuthority(base, 'k3s-client', late)).rejects.toThrow(/expired on Jan {2}1 00:00:00 2030 GMT/);
  });

  test('a file that cannot be read', async () => {
    const base = join(await directory(), 'client-ca');
    await ensureAuthority(base, 'k3s-client', clock);
    await rm(`${base}.crt`);
    const { mkdir } = await import('node:fs/promises');
    await mkdir(`${base}.crt`);
    await expect(ensureAuthority(base, 'k3s-client', clock)).rejects.toMatchObject({
      code: 'K3S_PKI_READ',
      fields: { path: `${base}.crt` },
    });
  });
});

describe('after a crash while the pair was written', () => {
  test('the key alone, with the certificate waiting beside it, is completed', async () => {
    const base = join(await directory(), 'client-ca');
    const authority = await ensureAuthority(base, 'k3s-client', clock);
    await rename(`${base}.crt`, `${base}.crt.new`);
    const completed = await ensureAuthority(base, 'k3s-client', clock);
    expect(completed.bundle).toBe(authority.bundle);
    expect(await readFile(`${base}.crt`, 'utf8')).toBe(authority.bundle);
  });

  test('a certificate that waits without a key is replaced', async () => {
    const base = join(await directory(), 'client-ca');
    const before = await ensureAuthority(base, 'k3s-client', clock);
    await rename(`${base}.crt`, `${base}.crt.new`);
    await rm(`${base}.key`);
    const after = await ensureAuthority(base, 'k3s-client', clock);
    expect(after.key.equals(before.key)).toBe(false);
    expect(after.certificate.checkPrivateKey(after.key)).toBe(true);
  });

  test('a half-written temporary file is written over, whatever its mode', async () => {
    const path = await directory();
    await writeFile(join(path, '.client-ca.key.tmp'), 'half');
    await chmod(join(path, '.client-ca.key.tmp'), 0o644);
    await ensureAuthority(join(path, 'client-ca'), 'k3s-client', clock);
    expect((await stat(join(path, 'client-ca.key'))).mode & 0o777).toBe(0o600);
    expect((await readdir(path)).sort()).toEqual(['client-ca.crt', 'client-ca.key']);
  });
});

describe('reading an authority of a server that runs', () => {
  test('gives what is on disk', async () => {
    const base = join(await directory(), 'client-ca');
    const { bundle } = await ensureAuthority(base, 'k3s-client', clock);
    expect(await readAuthority(base, clock)).toMatchObject({ bundle });
  });

  test.each(['crt', 'key'])('never makes another one when the .%s is gone', async (ending) => {
    const base = join(await directory(), 'client-ca');
    await ensureAuthority(base, 'k3s-client', clock);
    await rm(`${base}.${ending}`);
    await expect(readAuthority(base, clock)).rejects.toMatchObject({
      code: 'K3S_PKI_INCOMPLETE_AUTHORITY',
      fields: { path: `${base}.${ending}` },
    });
  });
});
