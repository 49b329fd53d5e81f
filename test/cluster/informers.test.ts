import { describe, expect, onTestFinished, test } from 'vitest';
import { createInformers, type Informer, type InformerHealth } from '../../src/cluster/informers.ts';
import { type ConfigMap, ConfigMaps, Secrets } from '../../src/cluster/kinds.ts';
import type { Delta } from '../../src/cluster/store.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

const map = (name: string, namespace = 'default'): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
});

function open(...objects: ConfigMap[]) {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, objects });
  const informers = createInformers({ client: cluster, clock, random: seededRandom(7), log: silentLogger });
  onTestFinished(async () => {
    await informers[Symbol.asyncDispose]();
    expect(cluster.openWatches).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
  return { clock, cluster, informers };
}

function heard(informer: Informer<ConfigMap>): string[] {
  const lines: string[] = [];
  informer.deltas$.subscribe({
    next: (delta: Delta) =>
      lines.push(`${delta.type} ${delta.key}${delta.type === 'added' && delta.initial ? ' initially' : ''}`),
    complete: () => lines.push('complete'),
  });
  return lines;
}

describe('informers', () => {
  test('of the same kind and selection share one watch and one store', async () => {
    const { cluster, informers } = open(map('a'));
    const one = informers.informer(ConfigMaps);
    const two = informers.informer(ConfigMaps, {});
    await Promise.all([one.synced, two.synced]);
    expect(two.store).toBe(one.store);
    expect(cluster.openWatches).toBe(1);
  });

  test('of another kind, namespace or selector have their own', async () => {
    const { cluster, informers } = open(map('a'), map('b', 'kube-system'));
    const all = [
      informers.informer(ConfigMaps),
      informers.informer(ConfigMaps, { namespace: 'default' }),
      informers.informer(ConfigMaps, { labelSelector: 'app=web' }),
      informers.informer(ConfigMaps, { fieldSelector: 'metadata.name=b' }),
      informers.informer(Secrets),
    ];
    await Promise.all(all.map((informer) => informer.synced));
    expect(all.map((informer) => informer.store.size)).toEqual([2, 1, 0, 1, 0]);
    expect(cluster.openWatches).toBe(5);
    expect(all[1]?.selection).toEqual({ namespace: 'default' });
    expect(all[4]?.resource).toBe(Secrets);
  });

  test('stop watching when the last user lets go, and start again for the next', async () => {
    const { cluster, informers } = open(map('a'));
    const one = informers.informer(ConfigMaps);
    const two = informers.informer(ConfigMaps);
    await one.synced;
    await one[Symbol.asyncDispose]();
    await one[Symbol.asyncDispose]();
    expect(cluster.openWatches).toBe(1);
    await two[Symbol.asyncDispose]();
    expect(cluster.openWatches).toBe(0);
    const three = informers.informer(ConfigMaps);
    await three.synced;
    expect(three.store).not.toBe(one.store);
    expect(three.store.size).toBe(1);
  });

  test('give a new user a fresh cache while the old one is still closing', async () => {
    const { cluster, informers } = open(map('a'));
    const one = informers.informer(ConfigMaps);
    await one.synced;
    const closing = one[Symbol.asyncDispose]();
    const two = informers.informer(ConfigMaps);
    await Promise.all([closing, two.synced]);
    expect(cluster.openWatches).toBe(1);
    expect(two.store.get('default/a')).toBeDefined();
  });

  test('tell every subscriber of what is there and then of every change, after the store shows it', async () => {
    const { cluster, informers } = open(map('a'));
    const informer = informers.informer(ConfigMaps);
    const early = heard(informer);
    await informer.synced;
    const late = heard(informer);
    const shown: unknown[] = [];
    informer.deltas$.subscribe((delta) => shown.push(informer.store.get(delta.key)?.metadata.name));
    await cluster.create(ConfigMaps, map('b'));
    await settle();
    expect(early).toEqual(['added default/a initially', 'added default/b']);
    expect(late).toEqual(early);
    expect(shown).toEqual(['a', 'b']);
  });

  test('complete the streams of the user that lets go and of nobody else', async () => {
    const { cluster, informers } = open();
    const one = informers.informer(ConfigMaps);
    const two = informers.informer(ConfigMaps);
    await two.synced;
    const [first, second] = [heard(one), heard(two)];
    const states: InformerHealth[] = [];
    let completed = false;
    one.health$.subscribe({ next: (state) => states.push(state), complete: () => (completed = true) });
    await one[Symbol.asyncDispose]();
    await cluster.create(ConfigMaps, map('a'));
    await settle();
    expect([first, second]).toEqual([['complete'], ['added default/a']]);
    expect([states, completed]).toEqual([[{ state: 'live' }], true]);
    expect(heard(one)).toEqual(['complete']);
  });

  test('stop telling a subscriber that unsubscribed', async () => {
    const { cluster, informers } = open();
    const informer = informers.informer(ConfigMaps);
    await informer.synced;
    const seen: string[] = [];
    const subscription = informer.deltas$.subscribe(({ key }) => seen.push(key));
    await cluster.create(ConfigMaps, map('a'));
    await settle();
    subscription.unsubscribe();
    await cluster.create(ConfigMaps, map('b'));
    await settle();
    expect(seen).toEqual(['default/a']);
  });

  test('reject those who wait for the first list when they let go before it', async () => {
    const { clock, cluster, informers } = open();
    cluster.fault({ verb: 'watch', status: 'network', times: 100 });
    const informer = informers.informer(ConfigMaps);
    const health: string[] = [];
    informer.health$.subscribe(({ state }) => health.push(state));
    await clock.advance(1_000);
    expect(health.slice(0, 2)).toEqual(['starting', 'retrying']);
    await informer[Symbol.asyncDispose]();
    await expect(informer.synced).rejects.toThrow('the scope has ended');
  });

  test('let a user cut the wait for a kind short', async () => {
    const { cluster, informers } = open();
    const widgets = {
      group: 'example.com',
      version: 'v1',
      kind: 'Widget',
      plural: 'widgets',
      scope: 'Namespaced',
    } as const;
    const informer = informers.informer(widgets);
    await settle();
    cluster.declare(widgets);
    informer.retryNow();
    await informer.synced;
  });

  test('close everything when they are disposed, and open nothing after', async () => {
    const { cluster, informers } = open();
    const one = informers.informer(ConfigMaps);
    const lines = heard(one);
    await one.synced;
    await informers[Symbol.asyncDispose]();
    expect(cluster.openWatches).toBe(0);
    expect(lines).toEqual(['complete']);
    expect(() => informers.informer(ConfigMaps)).toThrow('the scope has ended');
  });

  test('read a write of their own once it is waited for', async () => {
    const { cluster, informers } = open();
    const informer = informers.informer(ConfigMaps);
    await informer.synced;
    const slow = cluster.holdWatches();
    const { metadata } = await cluster.create(ConfigMaps, map('a'));
    const wait = informer.store.waitForRevision('default/a', metadata.resourceVersion ?? '');
    await settle();
    expect(informer.store.get('default/a')).toBeUndefined();
    slow[Symbol.dispose]();
    await wait;
    expect(informer.store.get('default/a')).toBeDefined();
  });
});
