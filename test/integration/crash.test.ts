import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { DATA_DIR, type K3sMachine } from './k3s-machine.ts';
import { SLEEP, toolsPod } from './pods.ts';
import { until } from './until.ts';

const test = clusterTest({ name: 'crash' });

/** Everything that a server runs, by the command line that it has. */
const VICTIMS = [
  { what: 'the control plane', commandLine: /engine control-plane / },
  { what: 'kubelet, kube-proxy and flannel', commandLine: /engine node / },
  { what: 'containerd', commandLine: /containerd --config / },
  { what: 'the server itself', commandLine: /^k3s server/ },
] as const;

/** A stream of writes, and which of them were acknowledged so far. */
async function startWriting(cluster: K3sMachine) {
  const writer = await cluster.spawn(['node', join(import.meta.dirname, 'programs/write-stream.ts')]);
  const acknowledged: string[] = [];
  writer.stdout.setEncoding('utf8');
  writer.stdout.on('data', (text: string) => acknowledged.push(...text.split('\n').filter((name) => name !== '')));
  /** Until so many more writes than now have been acknowledged. */
  const more = async (count: number): Promise<void> => {
    const wanted = acknowledged.length + count;
    await until(async () => expect(acknowledged.length).toBeGreaterThanOrEqual(wanted), 120_000);
  };
  return { acknowledged, more, end: () => writer.kill('SIGKILL') };
}

async function containerOf(cluster: K3sMachine, pod: string): Promise<string> {
  const path = 'jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}';
  return await cluster.kubectl('get', 'pod', pod, '-o', path);
}

describe('kill -9 during a stream of writes', () => {
  test('of any process, one after another, loses no acknowledged write and restarts no container', async ({
    cluster,
  }) => {
    await cluster.apply(toolsPod('worker', SLEEP));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/worker', '--timeout=90s');
    const before = await containerOf(cluster, 'worker');
    const writes = await startWriting(cluster);
    for (const { what, commandLine } of VICTIMS) {
      await writes.more(30);
      const [victim, ...others] = await cluster.processIds(commandLine);
      expect(others, what).toEqual([]);
      await cluster.machine.kill(victim ?? 0, 'SIGKILL');
      if (what === 'the server itself') await cluster.start();
      await until(async () => {
        const [next] = await cluster.processIds(commandLine);
        expect(next, what).toEqual(expect.any(Number));
        expect(next, what).not.toBe(victim);
      });
    }
    await writes.more(30);
    await writes.end();

    const { items } = await cluster.get<{ items: { metadata: { name: string }; data?: { name?: string } }[] }>(
      'configmaps',
    );
    const there = new Set(
      items.filter(({ metadata, data }) => data?.name === metadata.name).map(({ metadata }) => metadata.name),
    );
    expect(writes.acknowledged.filter((name) => !there.has(name))).toEqual([]);
    expect(writes.acknowledged.length).toBeGreaterThan(150);

    await cluster.kubectl('wait', '--for=condition=Ready', 'node/crash', '--timeout=90s');
    expect(await containerOf(cluster, 'worker')).toBe(before);
    expect(await until(() => cluster.inPod('worker', 'echo alive'))).toBe('alive\n');
  });

  test('leaves a database that is sound', async ({ cluster }) => {
    await cluster.stop();
    const check = `
      const Database = require('better-sqlite3');
      console.log(new Database('${DATA_DIR}/server/db/state.db', { readonly: true }).pragma('integrity_check', { simple: true }));`;
    const repository = join(import.meta.dirname, '../..');
    expect(await cluster.run(`cd ${repository} && node -e "${check}"`)).toBe('ok\n');
  });
});
