import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { ensureAuthority } from '../../src/pki/authority.ts';
import { ensureLeaf, type EnsureLeafOptions, type LeafProfile } from '../../src/pki/leaf.ts';
import { leafLifetime } from '../../src/pki/leaf-lifetime.ts';

const DAY = 86_400_000;
const profile: LeafProfile = {
  subject: { commonName: 'kube-apiserver', organizations: ['a', 'b'] },
  usages: ['server'],
  names: ['kubernetes', '*.example.com', '10.43.0.1', 'fd00::1'],
};

async function setUp(): Promise<EnsureLeafOptions & { clock: VirtualClock }> {
  const path = await mkdtemp(join(tmpdir(), 'k3s-leaf-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  const clock = new VirtualClock('2026-03-01T12:00:00Z');
  const authority = await ensureAuthority(join(path, 'server-ca'), 'k3s-server', clock);
  return { base: join(path, 'serving'), authority, profile, clock, lifetime: 365 * DAY, certificateMode: 0o644 };
}

function first(pem: string): X509Certificate {
  return new X509Certificate(pem);
}

describe('a leaf that is missing', () => {
  test('is issued with the chain of its authority behind it', async () => {
    const options = await setUp();
    const leaf = await ensureLeaf(options);
    expect(leaf.certificatePem.endsWith(options.authority.bundle)).toBe(true);
    expect(await readFile(leaf.certificateFile, 'utf8')).toBe(leaf.certificatePem);
    expect(await readFile(leaf.keyFile, 'utf8')).toBe(leaf.keyPem);
    expect(first(leaf.certificatePem).verify(options.authority.certificate.publicKey)).toBe(true);
    expect(leaf.issuedBecause).toBe('it was missing');
  });

  test('is valid for its lifetime from now, and an hour back', async () => {
    const certificate = first((await ensureLeaf(await setUp())).certificatePem);
    expect(certificate.validFromDate).toEqual(new Date('2026-03-01T11:00:00Z'));
    expect(certificate.validToDate).toEqual(new Date('2027-03-01T12:00:00Z'));
  });

  test('is not valid before its authority is', async () => {
    const options = await setUp();
    options.clock.jump(-DAY / 2);
    expect(first((await ensureLeaf(options)).certificatePem).validFromDate).toEqual(new Date('2026-03-01T11:00:00Z'));
  });

  test('has the modes asked for', async () => {
    const leaf = await ensureLeaf({ ...(await setUp()), certificateMode: 0o600 });
    expect((await stat(leaf.certificateFile)).mode & 0o777).toBe(0o600);
    expect((await stat(leaf.keyFile)).mode & 0o777).toBe(0o600);
  });

  test('keeps the key that is there', async () => {
    const options = await setUp();
    const before = await ensureLeaf(options);
    await rm(before.certificateFile);
    const after = await ensureLeaf(options);
    expect(after.keyPem).toBe(before.keyPem);
    expect(first(after.certificatePem).serialNumber).not.toBe(first(before.certificatePem).serialNumber);
  });

  test('gets a new key where only the certificate is left', async () => {
    const options = await setUp();
    const before = await ensureLeaf(options);
    await rm(before.keyFile);
    const after = await ensureLeaf(options);
    expect(after.keyPem).not.toBe(before.keyPem);
    expect(after.issuedBecause).toBe('its key was missing');
  });
});

describe('a leaf on disk', () => {
  test('is used while it fits', async () => {
    const options = await setUp();
    const before = await ensureLeaf(options);
    const after = await ensureLeaf(options);
    expect(after).toEqual({ ...before, issuedBecause: undefined });
  });

  test('is used until 120 days before it expires, then issued again with the same key', async () => {
    const options = await setUp();
    const before = await ensureLeaf(options);
    options.clock.jump(245 * DAY);
    expect((await ensureLeaf(options)).issuedBecause).toBeUndefined();
    options.clock.jump(1);
    const after = await ensureLeaf(options);
    expect(after.issuedBecause).toMatch(/^it expires on /);
    expect(after.keyPem).toBe(before.keyPem);
    expect(first(after.certificatePem).validToDate.getTime()).toBeGreaterThan(options.clock.now() + 364 * DAY);
  });

  test('of a short life is issued again when a third of that is left', async () => {
    const options = { ...(await setUp()), lifetime: 180_000 };
    await ensureLeaf(options);
    options.clock.jump(120_000);
    expect((await ensureLeaf(options)).issuedBecause).toBeUndefined();
    options.clock.jump(1);
    expect((await ensureLeaf(options)).issuedBecause).toMatch(/^it expires on /);
    expect((await ensureLeaf(options)).issuedBecause).toBeUndefined();
  });

  test('is issued again after its end', async () => {
    const options = await setUp();
    await ensureLeaf(options);
    options.clock.jump(400 * DAY);
    const { certificatePem } = await ensureLeaf(options);
    expect(first(certificatePem).validToDate.getTime()).toBe(options.clock.now() + 365 * DAY);
  });

  test('is not issued again and again while the clock is before the beginning of its authority', async () => {
    const options = await setUp();
    options.clock.jump(-10 * DAY);
    await ensureLeaf(options);
    expect((await ensureLeaf(options)).issuedBecause).toBeUndefined();
  });

  test('is issued again when the clock was wrong and has been put back', async () => {
    const options = await setUp();
    options.clock.jump(10 * DAY);
    await ensureLeaf(options);
    options.clock.jump(-10 * DAY);
    expect((await ensureLeaf(options)).issuedBecause).toMatch(/^it is not valid before /);
    expect((await ensureLeaf(options)).issuedBecause).toBeUndefined();
  });

  test.each<[string, Partial<LeafProfile>, string]>([
    ['its common name', { subject: { ...profile.subject, commonName: 'other' } }, 'its common name has changed'],
    [
      'an organization too many',
      { subject: { commonName: 'kube-apiserver', organizations: ['a'] } },
      'its organizations have changed',
    ],
    ['no organization', { subject: { commonName: 'kube-apiserver' } }, 'its organizations have changed'],
    ['a further DNS name', { names: [...profile.names, 'localhost'] }, 'it lacks the name localhost'],
    ['a further address', { names: [...profile.names, '10.43.0.2'] }, 'it lacks the name 10.43.0.2'],
    ['a name that only its wildcard covers', { names: ['www.example.com'] }, 'it lacks the name www.example.com'],
  ])('is issued again for %s', async (_, change, reason) => {
    const options = await setUp();
    await ensureLeaf(options);
    const after = await ensureLeaf({ ...options, profile: { ...profile, ...change } });
    expect(after.issuedBecause).toBe(reason);
  });

  test('is kept where it has more names than are asked for, or the organizations in another order', async () => {
    const options = await setUp();
    await ensureLeaf(options);
    const less = { ...profile, names: ['kubernetes'], subject: { ...profile.subject, organizations: ['b', 'a'] } };
    expect((await ensureLeaf({ ...options, profile: less })).issuedBecause).toBeUndefined();
  });

  test('is issued again with a new key when its authority is another', async () => {
    const options = await setUp();
    const before = await ensureLeaf(options);
    await rm(options.authority.certificateFile);
    await rm(options.authority.keyFile);
    const authority = await ensureAuthority(options.authority.keyFile.replace('.key', ''), 'k3s-server', options.clock);
    const after = await ensureLeaf({ ...options, authority });
    expect(after.issuedBecause).toBe('its authority has changed');
    expect(after.keyPem).not.toBe(before.keyPem);
    expect(first(after.certificatePem).verify(authority.certificate.publicKey)).toBe(true);
  });
});

describe('a damaged leaf', () => {
  test.each(['crt', 'key'])('is an error that names the .%s', async (ending) => {
    const options = await setUp();
    await ensureLeaf(options);
    await writeFile(`${options.base}.${ending}`, 'damaged');
    await expect(ensureLeaf(options)).rejects.toMatchObject({
      code: 'K3S_PKI_DAMAGED_FILE',
      fields: { path: `${options.base}.${ending}` },
    });
    expect(await readFile(`${options.base}.${ending}`, 'utf8')).toBe('damaged');
  });

  test('is an error where the key is that of another', async () => {
    const options = await setUp();
    await ensureLeaf(options);
    const other = await ensureLeaf({ ...options, base: `${options.base}-other` });
    await writeFile(`${options.base}.key`, other.keyPem);
    await expect(ensureLeaf(options)).rejects.toMatchObject({
      code: 'K3S_PKI_KEY_MISMATCH',
      hint: expect.stringContaining('Delete'),
    });
  });
});

describe('the lifetime of leaves', () => {
  test('is a year, or what the variable says', () => {
    expect(leafLifetime({})).toBe(365 * DAY);
    expect(leafLifetime({ CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS: '' })).toBe(365 * DAY);
    expect(leafLifetime({ CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS: '3650' })).toBe(3650 * DAY);
    expect(leafLifetime({ CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS: '0.5' })).toBe(DAY / 2);
  });

  test.each(['0', '-1', '0.0002', '1e3', 'year'])('cannot be %j days', (text) => {
    expect(() => leafLifetime({ CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS: text })).toThrow(
      expect.objectContaining({ code: 'K3S_PKI_LIFETIME' }),
    );
  });
});
