import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { issueLeaf, selfSignAuthority } from '../../src/pki/certificate.ts';
import { AUTHORITY_PLACES, LEAF_PLACES } from '../../src/pki/certificate-places.ts';
import { CERTIFICATE_SERVICES, leavesOfServices } from '../../src/pki/certificate-services.ts';
import { reportCertificate, reportCertificates, type CertificateReport } from '../../src/pki/certificate-status.ts';
import { renderCertificates } from '../../src/pki/certificate-table.ts';
import { generateEcKey } from '../../src/pki/private-key.ts';
import { rotateCertificates } from '../../src/pki/rotate-certificates.ts';
import { ensureNodePki, ensureServerPki } from '../../src/pki/server-pki.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-11-21T04:00:00Z');

/** A client certificate that was issued so many ms ago for so long. */
async function leaf(age: number, lifetime: number): Promise<X509Certificate> {
  const key = await generateEcKey();
  const validity = { notBefore: new Date(NOW - 5000 * DAY), notAfter: new Date(NOW + 5000 * DAY) };
  const issued = NOW - age;
  return issueLeaf(
    { certificate: selfSignAuthority('k3s-client-ca@1', key, validity), key },
    {
      subject: { commonName: 'system:admin', organizations: ['system:masters'] },
      publicKey: createPublicKey(key),
      usages: ['client', 'server'],
      names: [],
      notBefore: new Date(issued - HOUR),
      notAfter: new Date(issued + lifetime),
    },
  );
}

describe('the status of a certificate', () => {
  test.each([
    ['OK', 'that was just issued', 0, 365 * DAY],
    ['OK', 'at the moment of its replacement', 245 * DAY, 365 * DAY],
    ['WARNING', 'that should have been replaced', 245 * DAY + 1, 365 * DAY],
    ['WARNING', 'at its end', 365 * DAY, 365 * DAY],
    ['EXPIRED', 'after its end', 365 * DAY + 1000, 365 * DAY],
    ['OK', 'of a short life', 60_000, 180_000],
    ['WARNING', 'of a short life of which a third is left', 121_000, 180_000],
    ['NOT YET VALID', 'of a machine whose clock is ahead', -2 * HOUR, 365 * DAY],
  ])('is %s for one %s', async (status, _, age, lifetime) => {
    expect(reportCertificate('a.crt', await leaf(age, lifetime), NOW).status).toBe(status);
  });

  test('comes with names, usages and times', async () => {
    expect(reportCertificate('a.crt', await leaf(0, 365 * DAY), NOW)).toEqual({
      filename: 'a.crt',
      subject: 'system:admin',
      issuer: 'k3s-client-ca@1',
      usages: ['ClientAuth', 'ServerAuth'],
      expires: NOW + 365 * DAY,
      residual: 365 * DAY,
      status: 'OK',
    });
  });

  test('of one that is not yet valid comes with its beginning', async () => {
    const { expires } = reportCertificate('a.crt', await leaf(-2 * HOUR, 365 * DAY), NOW);
    expect(expires).toBe(NOW + HOUR);
  });
});

const reports: CertificateReport[] = [
  row('client-admin.crt', 'OK', 365 * DAY),
  row('etcd/client.crt', 'WARNING', 61 * DAY),
  row('client-scheduler.crt', 'EXPIRED', -2 * DAY - HOUR),
  row('serving-kubelet.crt', 'NOT YET VALID', 90_000),
];

function row(filename: string, status: CertificateReport['status'], residual: number): CertificateReport {
  const expires = NOW + residual;
  return {
    filename,
    subject: 'someone',
    issuer: 'ca',
    usages: ['ClientAuth', 'ServerAuth'],
    expires,
    residual,
    status,
  };
}

describe('certificates are shown', () => {
  test('as a table', () => {
    expect(renderCertificates(reports, 'table')).toBe(
      [
        'FILENAME               SUBJECT   USAGES                  EXPIRES                  RESIDUAL TIME   STATUS',
        '--------               -------   ------                  -------                  -------------   ------',
        'client-admin.crt       someone   ClientAuth,ServerAuth   Nov 21, 2027 04:00 UTC   1 year          OK',
        'etcd/client.crt        someone   ClientAuth,ServerAuth   Jan 21, 2027 04:00 UTC   2 months        WARNING',
        'client-scheduler.crt   someone   ClientAuth,ServerAuth   Nov 19, 2026 03:00 UTC   2 days ago      EXPIRED',
        'serving-kubelet.crt    someone   ClientAuth,ServerAuth   Nov 21, 2026 04:01 UTC   1 minute        NOT YET VALID',
        '',
      ].join('\n'),
    );
  });

  test('as text', () => {
    expect(renderCertificates(reports, 'text').split('\n')).toEqual([
      'client-admin.crt: certificate someone (ClientAuth,ServerAuth) is ok, expires at 2027-11-21T04:00:00Z',
      'etcd/client.crt: certificate someone (ClientAuth,ServerAuth) will expire at 2027-01-21T04:00:00Z',
      'client-scheduler.crt: certificate someone (ClientAuth,ServerAuth) expired at 2026-11-19T03:00:00Z',
      'serving-kubelet.crt: certificate someone (ClientAuth,ServerAuth) is not valid before 2026-11-21T04:01:30Z',
      '',
    ]);
  });

  test("as JSON, in k3s's fields", () => {
    expect(JSON.parse(renderCertificates(reports.slice(0, 1), 'json'))).toEqual({
      Certificates: [
        {
          Filename: 'client-admin.crt',
          Subject: 'someone',
          Issuer: 'ca',
          Usages: ['ClientAuth', 'ServerAuth'],
          ExpiryTime: '2027-11-21T04:00:00Z',
          ResidualTime: 365 * DAY * 1_000_000,
          Status: 'OK',
        },
      ],
    });
  });

  test("as YAML, in k3s's fields", () => {
    expect(renderCertificates(reports.slice(0, 1), 'yaml')).toMatch(
      /^certificates:\n {2}- filename: client-admin.crt\n/,
    );
  });
});

describe('the services', () => {
  test('have every leaf once', () => {
    const all = Object.values(CERTIFICATE_SERVICES).flat();
    expect([...all].sort()).toEqual(LEAF_PLACES.map(({ name }) => name).sort());
    expect(leavesOfServices([])).toEqual(new Set(all));
  });

  test('are known by name', () => {
    expect(leavesOfServices(['kubelet', 'admin'])).toEqual(new Set(['kubelet', 'kubeletServing', 'admin']));
    expect(leavesOfServices(['admin', 'constructor'])).toBeUndefined();
  });
});

describe("a machine's certificates", () => {
  async function setUp(): Promise<string> {
    const dataDir = await mkdtemp(join(tmpdir(), 'k3s-report-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const clock = new VirtualClock(NOW);
    const node = { nodeName: 'n', nodeIps: [], nodeExternalIps: [], clusterDomain: 'cluster.local', serverNames: [] };
    const options = { dataDir, node, clock, log: silentLogger, leafLifetime: 365 * DAY };
    await ensureNodePki((await ensureServerPki(options)).authorities, options);
    return dataDir;
  }

  test('are all reported, authorities too, those that are missing not', async () => {
    const dataDir = await setUp();
    await rm(join(dataDir, 'server/tls/client-admin.crt'));
    const found = await reportCertificates(dataDir, [...LEAF_PLACES, ...AUTHORITY_PLACES], NOW);
    expect(found).toHaveLength(22);
    expect(found.every(({ status }) => status === 'OK')).toBe(true);
    expect(found).toContainEqual(expect.objectContaining({ filename: 'etcd/server-client.crt' }));
    expect(found).toContainEqual(expect.objectContaining({ filename: 'client-kubelet.crt', subject: 'system:node:n' }));
    expect(found).toContainEqual(expect.objectContaining({ filename: 'client-ca.crt', usages: ['CertSign'] }));
  });

  test('are an error when there is none', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'k3s-report-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const missing = { code: 'K3S_PKI_NO_CERTIFICATES', message: `there are no such certificates below ${dataDir}` };
    await expect(reportCertificates(dataDir, LEAF_PLACES, NOW)).rejects.toMatchObject(missing);
    await expect(rotateCertificates(dataDir, LEAF_PLACES, NOW)).rejects.toMatchObject(missing);
  });

  test('are an error when one of them is damaged', async () => {
    const dataDir = await setUp();
    await writeFile(join(dataDir, 'server/tls/client-admin.crt'), 'damaged');
    await expect(reportCertificates(dataDir, LEAF_PLACES, NOW)).rejects.toMatchObject({ code: 'K3S_PKI_DAMAGED_FILE' });
  });

  test('are put aside for their rotation, with their modes, and only those that were meant are removed', async () => {
    const dataDir = await setUp();
    const places = LEAF_PLACES.filter(({ name }) => name === 'admin' || name === 'kubelet');
    const key = await readFile(join(dataDir, 'agent/client-kubelet.key'), 'utf8');
    const backup = await rotateCertificates(dataDir, places, NOW);
    expect(backup).toBe(join(dataDir, `server/tls-${NOW / 1000}`));
    expect(await readFile(join(backup, 'client-kubelet.key'), 'utf8')).toBe(key);
    expect((await stat(join(backup, 'client-admin.key'))).mode & 0o777).toBe(0o600);
    expect((await stat(backup)).mode & 0o777).toBe(0o700);
    expect(await readdir(backup)).toEqual(expect.arrayContaining(['client-ca.key', 'etcd', 'service.key']));
    const left = await readdir(join(dataDir, 'server/tls'));
    expect(left).not.toContain('client-admin.crt');
    expect(left).not.toContain('client-admin.key');
    expect(left).toContain('client-supervisor.key');
    expect(await readdir(join(dataDir, 'agent'))).not.toContain('client-kubelet.crt');
  });

  test('are all left where they are when they cannot be put aside', async () => {
    const dataDir = await setUp();
    await mkdir(join(dataDir, `server/tls-${NOW / 1000}`));
    await expect(rotateCertificates(dataDir, LEAF_PLACES, NOW)).rejects.toMatchObject({ code: 'K3S_PKI_BACKUP' });
    expect(await readdir(join(dataDir, 'server/tls'))).toContain('client-admin.crt');
  });
});
