import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { DATA_DIR, K3S, type K3sMachine } from './k3s-machine.ts';
import { SLEEP, toolsPod } from './pods.ts';
import type { SteadyReport } from './programs/steady-client.ts';
import { until } from './until.ts';

const NODE = 'certificate-rotation';
/** 43 s: each certificate is replaced after 29 s. */
const SHORT_LIVED = { CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS: '0.0005' };
const ROTATIONS = 5;

const SERVER = /^k3s server/;
const ENGINES = /engine (control-plane|node) /;

const test = clusterTest({ name: NODE, environment: SHORT_LIVED });

const certificate = (cluster: K3sMachine, ...words: string[]) => cluster.exec([K3S, 'certificate', ...words]);

/** What identifies a file's certificate: its fingerprint. */
const fingerprint = (cluster: K3sMachine, file: string): Promise<string> =>
  cluster.run(`sha256sum < ${DATA_DIR}/server/tls/${file}`);

describe('certificates with a life of about a minute', () => {
  test(`are replaced ${ROTATIONS} times: no request fails, no listener shows one that has ended, nothing restarts`, async ({
    cluster,
  }) => {
    const engines = await cluster.processIds(ENGINES);
    const program = join(import.meta.dirname, 'programs/steady-client.ts');
    const report = await cluster.run(['node', program, NODE, `${ROTATIONS}`], { signal: AbortSignal.timeout(240_000) });
    const { requests, failures, invalid } = JSON.parse(report) as SteadyReport;
    expect(failures).toEqual([]);
    expect(invalid).toEqual([]);
    expect(requests).toBeGreaterThan(500);
    expect(await cluster.processIds(ENGINES)).toEqual(engines);
    expect((await certificate(cluster, 'check')).code).toBe(0);
  });

  test('leave the components able to work: a namespace gets its account, a pod runs and can be entered', async ({
    cluster,
  }) => {
    await cluster.kubectl('create', 'namespace', 'later');
    await until(() => cluster.kubectl('get', 'serviceaccount', 'default', '-n', 'later'));
    await cluster.apply(toolsPod('later', SLEEP));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/later', '--timeout=90s');
    expect(await cluster.inPod('later', 'echo fine')).toBe('fine\n');
  });

  test('are replaced by a running server at once after `k3s certificate rotate`, with a new key', async ({
    cluster,
  }) => {
    const before = await fingerprint(cluster, 'client-supervisor.key');
    const { code, stdout } = await certificate(cluster, 'rotate', '-s', 'supervisor,k3s-server');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`${DATA_DIR}/server/tls-`) });
    await until(async () => expect(await fingerprint(cluster, 'client-supervisor.key')).not.toBe(before), 10_000);
    await until(async () => expect((await certificate(cluster, 'check', '-s', 'supervisor')).code).toBe(0), 10_000);
    expect(await cluster.kubectl('get', 'nodes', '-o', 'name')).toBe(`node/${NODE}\n`);
  });

  test('are replaced at the start of a server that was away when they ended', async ({ cluster }) => {
    for (const server of await cluster.processIds(SERVER)) await cluster.machine.kill(server);
    await until(async () => expect(await cluster.processIds(SERVER)).toEqual([]));
    await until(async () => {
      const { code, stdout } = await certificate(cluster, 'check', '-o', 'table', '-s', 'api-server');
      expect(code).toBe(1);
      expect(stdout).toMatch(/^serving-kube-apiserver\.crt +kube-apiserver +ServerAuth .* EXPIRED$/m);
    }, 90_000);
    await cluster.start({ environment: SHORT_LIVED });
    expect((await certificate(cluster, 'check')).code).toBe(0);
    await cluster.kubectl('wait', '--for=condition=Ready', `node/${NODE}`, '--timeout=90s');
  });
});
