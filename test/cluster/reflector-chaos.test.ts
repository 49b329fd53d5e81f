import { expect, test } from 'vitest';
import { createInformers } from '../../src/cluster/informers.ts';
import { type ConfigMap, ConfigMaps } from '../../src/cluster/kinds.ts';
import { keyOf } from '../../src/cluster/object.ts';
import { silentLogger } from '../../src/core/log.ts';
import { type Random, seededRandom } from '../../src/core/random.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

const NAMES = ['a', 'b', 'c', 'd'];

/** One step of a cluster's life and of what can happen to those who watch it. */
const STEPS: readonly ((cluster: FakeCluster, random: Random) => void)[] = [
  (cluster, random) => write(cluster, pick(random)),
  (cluster, random) => write(cluster, pick(random)),
  (cluster, random) => write(cluster, pick(random)),
  (cluster, random) => remove(cluster, pick(random)),
  (cluster, random) => {
    const name = pick(random);
    remove(cluster, name);
    write(cluster, name);
  },
  (cluster) => cluster.dropWatches(),
  (cluster) => cluster.dropWatches({ status: 'network' }),
  (cluster) => cluster.dropWatches({ status: 410 }),
  (cluster) => cluster.compact(),
  (cluster) => void cluster.fault({ verb: ['list', 'watch'], status: 'network', times: 2 }),
  (cluster) => void cluster.fault({ verb: 'watch', status: 410 }),
  (cluster) => void cluster.fault({ verb: ['list', 'watch'], status: 429, retryAfter: 3_000 }),
  (cluster) => void cluster.fault({ verb: 'watch', status: 422 }),
  (cluster) => void cluster.fault({ verb: 'list', delay: 4_000 }),
  (cluster) => void cluster.fault({ verb: ['list', 'watch'], status: 404 }),
];

function pick(random: Random): string {
  return NAMES[Math.floor(random.next() * NAMES.length)] ?? 'a';
}

function write(cluster: FakeCluster, name: string): void {
  const ref = { namespace: 'default', name };
  if (cluster.object(ConfigMaps, ref) === undefined)
    cluster.load({ apiVersion: 'v1', kind: 'ConfigMap', metadata: ref });
  else {
    cluster.edit(ConfigMaps, ref, (object) => {
      object.data = { version: cluster.resourceVersion };
    });
  }
}

function remove(cluster: FakeCluster, name: string): void {
  const ref = { namespace: 'default', name };
  if (cluster.object(ConfigMaps, ref) !== undefined) cluster.remove(ConfigMaps, ref);
}

const state = (objects: readonly ConfigMap[]): string[] =>
  objects
    .map((object) => `${keyOf(object)} ${object.metadata.uid} ${object.metadata.resourceVersion}`)
    .toSorted((a, b) => a.localeCompare(b));

/** Lives through a hundred steps, then a quiet while; returns every request, for comparing runs. */
async function live(seed: number): Promise<string> {
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  const cluster = new FakeCluster({ clock, random: seededRandom(seed + 1) });
  await using informers = createInformers({
    client: cluster,
    clock,
    random: seededRandom(seed + 2),
    log: silentLogger,
  });
  const informer = informers.informer(ConfigMaps);
  const told = new Map<string, ConfigMap>();
  informer.deltas$.subscribe((delta) => {
    const { key, object } = delta;
    const before = told.get(key);
    // An object of another uid is another object: it is never an update of the first.
    if (delta.type === 'updated') expect([before?.metadata.uid, before]).toEqual([object.metadata.uid, delta.previous]);
    else expect(before === undefined).toBe(delta.type === 'added');
    if (delta.type === 'deleted') told.delete(key);
    else told.set(key, object);
  });
  let silence: Disposable | undefined;
  for (let step = 0; step < 100; step++) {
    STEPS[Math.floor(random.next() * STEPS.length)]?.(cluster, random);
    if (random.next() < 0.1) {
      silence?.[Symbol.dispose]();
      silence = random.next() < 0.5 ? cluster.holdWatches() : undefined;
    }
    await clock.advance(random.next() * 2_000);
  }
  silence?.[Symbol.dispose]();
  await clock.advance(600_000);
  expect(state(informer.store.list())).toEqual(state(cluster.objects(ConfigMaps)));
  expect(state([...told.values()])).toEqual(state(cluster.objects(ConfigMaps)));
  return cluster.transcript();
}

test('whatever happens to watches, stores and deltas end up with what the server has', async () => {
  for (let seed = 0; seed < 60; seed++) {
    await live(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
}, 60_000);

test('the same seed is the same run', async () => {
  expect(await live(7)).toBe(await live(7));
});
