import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Events } from '../../../src/cluster/kinds.ts';
import { CertificateSource, LOOK_INTERVAL } from '../../../src/controllers/certificates/certificate-source.ts';
import { certificates } from '../../../src/controllers/certificates/certificates.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { createManager } from '../../../src/framework/manager.ts';
import { FakeCluster } from '../../../src/framework/testing/fake-cluster.ts';
import type { LeafName } from '../../../src/pki/certificate-places.ts';
import type { NodeIdentity } from '../../../src/pki/layout.ts';
import { ensureNodePki, ensureServerPki } from '../../../src/pki/server-pki.ts';

const DAY = 86_400_000;
const LEAVES = 18;
const identity: NodeIdentity = {
  nodeName: 'node-1',
  nodeIps: ['192.0.2.10'],
  nodeExternalIps: [],
  clusterDomain: 'cluster.local',
  serverNames: ['localhost'],
};

/** The controller over a server's certificates, which were issued `age` ms ago; all of them have been looked at. */
async function setUp({ lifetime = 365 * DAY, age = 0 } = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'k3s-certificates-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const clock = new VirtualClock('2026-03-01T12:00:00Z');
  const options = { dataDir, node: identity, clock, log: silentLogger, leafLifetime: lifetime };
  await ensureNodePki((await ensureServerPki(options)).authorities, options);
  clock.jump(age);

  const cluster = new FakeCluster({ clock, random: seededRandom(1) });
  const manager = createManager({
    client: cluster,
    clock,
    random: seededRandom(2),
    log: silentLogger,
    instance: 'node-1',
  });
  /** What its user has been given, by name, each certificate once. */
  const used = new Map<LeafName, Set<string>>();
  const user = { busy: false };
  let runs = 0;
  manager.outcomes$.subscribe(() => runs++);
  manager.add(certificates, {
    source: new CertificateSource({ dataDir, node: () => identity, clock, watch: () => ({ [Symbol.dispose]() {} }) }),
    nodeName: 'node-1',
    lifetime,
    async use(name, leaf) {
      if (user.busy) throw new Error('the user is busy');
      const seen = used.get(name) ?? new Set();
      used.set(name, seen.add(leaf.certificatePem));
    },
  });
  /** Real files take real time, so what is expected is waited for. */
  const until = async (holds: () => boolean): Promise<void> => {
    for (let turn = 0; !holds(); turn++) {
      if (turn > 200_000) throw new Error('it does not come about');
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % 100 === 99) await clock.advance(50);
    }
  };
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  onTestFinished(async () => {
    let stopped = false;
    void running.then(() => (stopped = true));
    stop.abort();
    await until(() => stopped);
  });
  const events = async (): Promise<string[]> =>
    (await cluster.list(Events)).items.map(({ reason = '', note = '' }) => `${reason}: ${note}`);
  await until(() => used.size === LEAVES && runs >= LEAVES + 5);
  return { dataDir, clock, cluster, used, user, until, events, runs: () => runs };
}

const read = async (dataDir: string, file: string): Promise<X509Certificate> =>
  new X509Certificate(await readFile(join(dataDir, file), 'utf8'));

describe('the certificates of a running server', () => {
  test('are each replaced again and again before they end, and handed to their users', async () => {
    const lifetime = 3_600_000;
    const { dataDir, clock, used, until } = await setUp({ lifetime });
    const key = await readFile(join(dataDir, 'agent/client-kubelet.key'), 'utf8');
    for (let rotation = 1; rotation <= 5; rotation++) {
      await clock.advance((lifetime * 2) / 3 + 1_000);
      await until(() => [...used.values()].every((seen) => seen.size > rotation) && used.size === LEAVES);
      const { validToDate } = await read(dataDir, 'agent/client-kubelet.crt');
      expect(validToDate.getTime()).toBeGreaterThan(clock.now() + lifetime / 2);
    }
    // Two files cannot be replaced as one; a key that stays spares readers a pair that does not fit.
    expect(await readFile(join(dataDir, 'agent/client-kubelet.key'), 'utf8')).toBe(key);
  });

  test('are not touched before their time', async () => {
    const { clock, used, until, runs } = await setUp({ age: 244 * DAY });
    const before = runs();
    await clock.advance(LOOK_INTERVAL);
    // Each is looked at by its resync.
    await clock.advance(2 * 3_600_000);
    await until(() => runs() > before + LEAVES);
    expect([...used.values()].every((seen) => seen.size === 1)).toBe(true);
  });

  test('that have expired while the server was away are replaced at once', async () => {
    const { dataDir, clock } = await setUp({ age: 400 * DAY });
    expect((await read(dataDir, 'server/tls/serving-supervisor.crt')).validToDate.getTime()).toBeGreaterThan(
      clock.now(),
    );
  });

  test('are replaced at once when they have been removed', async () => {
    const { dataDir, clock, used, until } = await setUp();
    await rm(join(dataDir, 'server/tls/client-admin.crt'));
    await rm(join(dataDir, 'server/tls/client-admin.key'));
    await clock.advance(LOOK_INTERVAL);
    await until(() => used.get('admin')?.size === 2);
    expect((await read(dataDir, 'server/tls/client-admin.crt')).subject).toContain('CN=system:admin');
  });

  test('are handed to a user that was busy as soon as that takes them', async () => {
    const { dataDir, clock, used, user, until, runs } = await setUp();
    user.busy = true;
    await rm(join(dataDir, 'server/tls/client-auth-proxy.crt'));
    const before = runs();
    await clock.advance(LOOK_INTERVAL);
    await until(() => runs() > before);
    user.busy = false;
    await clock.advance(5_000);
    await until(() => used.get('authProxy')?.size === 2);
  });

  test('that cannot be replaced are told about on the Node; the others are replaced', async () => {
    const { dataDir, clock, used, until, events } = await setUp({ lifetime: 3_600_000 });
    await rm(join(dataDir, 'server/tls/request-header-ca.key'));
    await clock.advance(2_500_000);
    await until(() => used.get('admin')?.size === 2);
    let seen: string[] = [];
    while (!seen.some((event) => event.startsWith('CertificateExpirationWarning'))) {
      await clock.advance(1_000);
      seen = await events();
    }
    expect(seen).toEqual([
      expect.stringMatching(
        /^CertificateExpirationWarning: The certificate server\/tls\/client-auth-proxy\.crt (expires|has expired) on .*request-header-ca\.key is gone/,
      ),
    ]);
    expect(used.get('authProxy')?.size).toBe(1);
  });

  test('are told about a year before their authority ends', async () => {
    const { clock, events } = await setUp({ age: 3300 * DAY });
    let seen: string[] = [];
    while (seen.length < 5) {
      await clock.advance(1_000);
      seen = await events();
    }
    expect(seen.every((event) => event.startsWith('CACertificateExpirationWarning: '))).toBe(true);
    expect(seen).toContainEqual(expect.stringContaining('server/tls/etcd/peer-ca.crt expires on 2036-'));
  });

  test('with a key that is not theirs are left alone, and told about', async () => {
    const { dataDir, clock, events } = await setUp();
    const other = await readFile(join(dataDir, 'server/tls/client-scheduler.key'), 'utf8');
    await writeFile(join(dataDir, 'server/tls/client-admin.key'), other);
    let seen: string[] = [];
    while (seen.length < 1) {
      await clock.advance(LOOK_INTERVAL);
      seen = await events();
    }
    expect(seen[0]).toContain('client-admin.key is not the key of');
    expect(await readFile(join(dataDir, 'server/tls/client-admin.key'), 'utf8')).toBe(other);
  });
});
