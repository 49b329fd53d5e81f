import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CertificateSource, LOOK_INTERVAL } from '../../../src/controllers/certificates/certificate-source.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import type { NodeIdentity } from '../../../src/pki/layout.ts';
import { ensureNodePki, ensureServerPki } from '../../../src/pki/server-pki.ts';

const DAY = 86_400_000;
const HINT_DELAY = 50;
const identity: NodeIdentity = {
  nodeName: 'node-1',
  nodeIps: ['192.0.2.10'],
  nodeExternalIps: [],
  clusterDomain: 'cluster.local',
  serverNames: ['localhost'],
};

/** A source over a server's certificates, issued just now; its first look is over. */
async function setUp(lifetime = 365 * DAY) {
  const dataDir = await mkdtemp(join(tmpdir(), 'k3s-certificates-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const clock = new VirtualClock('2026-03-01T12:00:00Z');
  const options = { dataDir, node: identity, clock, log: silentLogger, leafLifetime: lifetime };
  await ensureNodePki((await ensureServerPki(options)).authorities, options);
  const machine = { identity, hint: (): void => undefined };
  const source = new CertificateSource({
    dataDir,
    node: () => machine.identity,
    clock,
    watch(_folder, changed) {
      machine.hint = changed;
      return { [Symbol.dispose]() {} };
    },
  });
  const changes: string[] = [];
  const subscription = source.changes$.subscribe((key) => changes.push(key));
  /** A look has ended when it has planned the next one. */
  const looked = async (): Promise<void> => {
    for (let turn = 0; clock.pendingTimers !== 1; turn++) {
      if (turn > 1_000_000) throw new Error('the look does not end');
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await looked();
  changes.length = 0;
  const pass = async (duration: number): Promise<string[]> => {
    await clock.advance(duration);
    await looked();
    return changes.splice(0);
  };
  return { dataDir, clock, machine, source, subscription, pass };
}

describe('the certificates of a machine', () => {
  test('are known by their files: each leaf and each authority', async () => {
    const { source } = await setUp();
    const keys = [...(await source.list())];
    expect(keys).toHaveLength(23);
    expect(keys).toEqual(
      expect.arrayContaining([
        'server/tls/client-admin.crt',
        'agent/serving-kubelet.crt',
        'server/tls/etcd/peer-ca.crt',
      ]),
    );
    expect(await source.read('server/tls/other.crt')).toBeUndefined();
  });

  test('say when they end and from when on they are to be replaced', async () => {
    const { source, clock, dataDir } = await setUp();
    expect(await source.read('agent/client-kubelet.crt')).toMatchObject({
      type: 'leaf',
      base: join(dataDir, 'agent/client-kubelet'),
      authority: join(dataDir, 'server/tls/client-ca'),
      profile: { subject: { commonName: 'system:node:node-1' } },
      validity: { notAfter: clock.now() + 365 * DAY, renewal: clock.now() + 245 * DAY },
    });
    expect(await source.read('server/tls/server-ca.crt')).toMatchObject({
      type: 'authority',
      validity: { renewal: clock.now() + 9 * 365 * DAY },
    });
  });

  test('change at the moment in which they are to be replaced, once', async () => {
    const { pass } = await setUp(3 * LOOK_INTERVAL);
    expect(await pass(LOOK_INTERVAL)).toEqual([]);
    // Two thirds of their life.
    expect(await pass(LOOK_INTERVAL)).toEqual([]);
    expect(await pass(1)).toHaveLength(18);
    expect(await pass(LOOK_INTERVAL)).toEqual([]);
  });

  test.each([
    ['forwards, beyond their replacement', 246 * DAY, 18],
    ['forwards, beyond the end of everything', 4000 * DAY, 23],
    ['back to before they were issued', -2 * DAY, 23],
    ['by a little', 60_000, 0],
  ])('change soon when the clock is set %s', async (_, by, count) => {
    const { clock, pass } = await setUp();
    clock.jump(by);
    expect(await pass(LOOK_INTERVAL)).toHaveLength(count);
    expect(await pass(LOOK_INTERVAL)).toEqual([]);
  });

  test('change when their files do', async () => {
    const { dataDir, pass } = await setUp();
    await rm(join(dataDir, 'agent/client-kubelet.key'));
    await writeFile(join(dataDir, 'server/tls/client-admin.crt'), 'damaged');
    expect(await pass(LOOK_INTERVAL)).toEqual(['server/tls/client-admin.crt', 'agent/client-kubelet.crt']);
  });

  test('change sooner after a hint', async () => {
    const { dataDir, machine, pass } = await setUp();
    await rm(join(dataDir, 'server/tls/client-admin.crt'));
    machine.hint();
    machine.hint();
    expect(await pass(HINT_DELAY)).toEqual(['server/tls/client-admin.crt']);
  });

  test('change with their authority', async () => {
    const { dataDir, pass } = await setUp();
    const path = join(dataDir, 'server/tls/request-header-ca.crt');
    await writeFile(path, `${await readFile(path, 'utf8')}\n`);
    expect(await pass(LOOK_INTERVAL)).toEqual(['server/tls/client-auth-proxy.crt', 'server/tls/request-header-ca.crt']);
  });

  test('change when this machine has a name or an address more', async () => {
    const { machine, pass } = await setUp();
    machine.identity = { ...identity, nodeIps: [...identity.nodeIps, 'fd00::10'] };
    expect(await pass(LOOK_INTERVAL)).toEqual(['agent/serving-kubelet.crt']);
    machine.identity = { ...machine.identity, serverNames: ['localhost', 'api.example.com'] };
    expect(await pass(LOOK_INTERVAL)).toEqual([
      'server/tls/serving-kube-apiserver.crt',
      'server/tls/serving-supervisor.crt',
      'server/tls/etcd/server-client.crt',
      'server/tls/etcd/peer-server-client.crt',
    ]);
  });

  test('have no end to tell when they are missing or damaged', async () => {
    const { source, dataDir } = await setUp();
    await rm(join(dataDir, 'agent/client-kubelet.crt'));
    await writeFile(join(dataDir, 'server/tls/client-admin.crt'), 'damaged');
    for (const key of ['agent/client-kubelet.crt', 'server/tls/client-admin.crt']) {
      expect(await source.read(key)).toMatchObject({ validity: undefined });
    }
  });

  test('are looked at no longer when nobody wants to know', async () => {
    const { clock, subscription, machine } = await setUp();
    subscription.unsubscribe();
    machine.hint();
    expect(clock.pendingTimers).toBe(0);
  });
});
