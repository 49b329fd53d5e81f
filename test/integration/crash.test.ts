import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test as plain } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { clusterTest } from './cluster-test.ts';
import { containersOf } from './containers.ts';
import { DATA_DIR, K3sMachine } from './k3s-machine.ts';
import { SLEEP, toolsPod } from './pods.ts';
import { until } from './until.ts';

const test = clusterTest({ name: 'crash' });

const CONTROL_PLANE = /\/engine control-plane /;
const NODE = /\/engine node /;
const CONTAINERD = /\/containerd --config /;
const SERVER = /^k3s server/;

/** Writes that must have been acknowledged after a crash before the next one comes. */
const ENOUGH = 20;

interface Writer extends AsyncDisposable {
  /** Every acknowledged write: the object and the resourceVersion that it got. */
  readonly acknowledged: readonly { readonly object: string; readonly resourceVersion: number }[];
}

/** A stream of writes through port 6443 (programs/write-objects.ts). */
async function startWriter(cluster: K3sMachine, name: string, serverName: string): Promise<Writer> {
  const program = join(import.meta.dirname, 'programs/write-objects.ts');
  const child = await cluster.spawn(['node', program, name, serverName]);
  child.stderr.pipe(process.stderr);
  const acknowledged: { object: string; resourceVersion: number }[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const [object = '', resourceVersion] = line.split(' ');
    acknowledged.push({ object, resourceVersion: Number(resourceVersion) });
  });
  return {
    acknowledged,
    async [Symbol.asyncDispose]() {
      await child.kill('SIGKILL');
      await child.exited;
    },
  };
}

const untilFlowing = async (writers: readonly Writer[]): Promise<void> => {
  const goals = writers.map(({ acknowledged }) => acknowledged.length + ENOUGH);
  await until(async () => {
    for (const [at, { acknowledged }] of writers.entries()) expect(acknowledged.length).toBeGreaterThan(goals[at] ?? 0);
  }, 120_000);
};

/** Any moment of the coming `limit` ms. */
const randomMoment = (limit: number): Promise<void> => systemClock.sleep(systemRandom.next() * limit);

async function killNow(cluster: K3sMachine, process: RegExp): Promise<void> {
  const found = await cluster.processIds(process);
  expect(found).toHaveLength(1);
  await cluster.machine.kill(found[0] ?? 0, 'SIGKILL');
}

describe('a cluster whose processes are killed while it is written to', () => {
  test('loses no acknowledged write and no container, and works again', async ({ cluster }) => {
    await cluster.apply(toolsPod('worker', SLEEP));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/worker', '--timeout=90s');
    await cluster.untilCoreDnsServes();
    const before = await containersOf(cluster);
    {
      await using passed = await startWriter(cluster, 'passed', 'kubernetes');
      await using terminated = await startWriter(cluster, 'terminated', 'localhost');
      const writers = [passed, terminated];
      await untilFlowing(writers);

      for (const process of [CONTROL_PLANE, NODE, CONTAINERD, SERVER, CONTROL_PLANE, SERVER]) {
        await randomMoment(1_500);
        await killNow(cluster, process);
        if (process === SERVER) await cluster.start();
        await untilFlowing(writers);
        // Goes through kubelet and containerd.
        expect(await until(() => cluster.inPod('worker', 'echo alive'))).toBe('alive\n');
        expect(await containersOf(cluster)).toEqual(before);
      }
      for (const { acknowledged } of writers) await checkWrites(cluster, acknowledged);
    }
    await cluster.kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=90s');
    await cluster.untilCoreDnsServes();
  });

  test('is found as it was by a start that follows starts which were killed', async ({ cluster }) => {
    await cluster.kubectl('create', 'configmap', 'kept');
    const before = await containersOf(cluster);
    await cluster.server.end('SIGKILL');
    for (const _ of [1, 2, 3]) {
      const server = await cluster.launch();
      await randomMoment(5_000);
      await server.end('SIGKILL');
    }
    await cluster.start();
    await cluster.kubectl('get', 'configmap', 'kept');
    expect(await until(() => cluster.inPod('worker', 'echo alive'))).toBe('alive\n');
    expect(await containersOf(cluster)).toEqual(before);
  });

  test('keeps a database that is sound', async ({ cluster }) => {
    await cluster.stop();
    const program = `const Database = require('better-sqlite3');
      console.log(new Database('${DATA_DIR}/server/db/state.db', { readonly: true }).pragma('integrity_check', { simple: true }))`;
    const repository = join(import.meta.dirname, '../..');
    expect(await cluster.run(['sh', '-c', 'cd "$1" && node -e "$2"', 'check', repository, program])).toBe('ok\n');
  });
});

/** Every object whose creation was acknowledged is there, the counter is not behind, and no revision was given twice. */
async function checkWrites(cluster: K3sMachine, writes: Writer['acknowledged']): Promise<void> {
  const seen = [...writes];
  const names = await cluster.kubectl('get', 'configmaps', '-o', 'name');
  const there = new Set(names.split('\n').map((name) => name.replace('configmap/', '')));
  expect(seen.filter(({ object }) => !there.has(object))).toEqual([]);
  const revisions = seen.map(({ resourceVersion }) => resourceVersion);
  expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
  const counter = seen.findLast(({ object }) => !object.includes('-'));
  const { metadata } = await cluster.get<{ metadata: { resourceVersion: string } }>('configmap', counter?.object ?? '');
  expect(Number(metadata.resourceVersion)).toBeGreaterThanOrEqual(counter?.resourceVersion ?? Infinity);
}

describe('a machine whose first start is killed', () => {
  plain('starts the next time', async () => {
    await using k3s = await K3sMachine.create('first-start');
    for (const _ of [1, 2, 3, 4]) {
      const server = await k3s.launch();
      await randomMoment(5_000);
      await server.end('SIGKILL');
    }
    await k3s.start();
    await k3s.kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=90s');
    await k3s.untilCoreDnsServes();
  });
});
