import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClusterClient } from '../../src/cluster/client.ts';
import { type ConfigMap, ConfigMaps } from '../../src/cluster/kinds.ts';
import { Reflector, type InformerHealth } from '../../src/cluster/reflector.ts';
import type { Resource } from '../../src/cluster/resource.ts';
import { type LogFields, type Logger, silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { Scope } from '../../src/core/scope.ts';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

type Source = Pick<ClusterClient, 'list' | 'watch'>;

const map = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

/** A reflector of config maps on virtual time, and everything that it told. */
function start(
  options: { objects?: ConfigMap[]; client?: (cluster: FakeCluster) => Source; resource?: Resource<ConfigMap> } = {},
) {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, objects: options.objects ?? [] });
  const events: string[] = [];
  const health: InformerHealth[] = [];
  const lines: string[] = [];
  const note =
    (level: string) =>
    (message: string, _fields?: LogFields): void =>
      void lines.push(`${level} ${message}`);
  const log: Logger = { ...silentLogger, info: note('info'), warn: note('warn'), child: () => log };
  const reflector = new Reflector<ConfigMap>({
    client: options.client?.(cluster) ?? cluster,
    resource: options.resource ?? ConfigMaps,
    selection: { namespace: 'default' },
    clock,
    random: seededRandom(7),
    log,
    emit: (event) => events.push('object' in event ? `${event.type} ${event.object.metadata.name}` : event.type),
    report: (state) => health.push(state),
  });
  const scope = new Scope();
  const running = reflector.run(scope.signal);
  onTestFinished(async () => {
    await scope[Symbol.asyncDispose]();
    await running;
    expect(cluster.openWatches).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
  return { clock, cluster, events, health, lines, reflector, states: () => health.map(({ state }) => state) };
}

const requests = (cluster: FakeCluster): string[] =>
  cluster
    .transcript()
    .split('\n')
    .filter((line) => /(list|watch) configmaps/.test(line))
    .map((line) => line.replace(/^.*?s {2}(\w+) configmaps default/, '$1'));

describe('a reflector', () => {
  test('takes a snapshot by one streaming watch and follows on it', async () => {
    const { cluster, events, states } = start({ objects: [map('a'), map('b')] });
    await settle();
    await cluster.create(ConfigMaps, map('c'));
    await cluster.delete(ConfigMaps, { namespace: 'default', name: 'a' });
    await settle();
    expect(events).toEqual(['Init', 'InitApply a', 'InitApply b', 'InitDone', 'Apply c', 'Delete a']);
    expect(requests(cluster)).toEqual(['watch from now -> ok']);
    expect(states()).toEqual(['live']);
  });

  test('resumes from its last version when the server ends the watch', async () => {
    const { clock, cluster, events } = start({ objects: [map('a')] });
    await clock.advance(5_000);
    cluster.dropWatches();
    cluster.load(map('b'));
    await clock.advance(1);
    expect(events.slice(3)).toEqual(['Apply b']);
    expect(requests(cluster)[1]).toMatch(/^watch from \d+ -> ok$/);
  });

  test('keeps its version fresh by bookmarks, so that a compaction does not force a new snapshot', async () => {
    const { clock, cluster, events } = start({ objects: [map('a')] });
    await settle();
    for (let change = 0; change < 5; change++)
      cluster.edit({ ...ConfigMaps, plural: 'secrets', kind: 'Secret' }, secret(cluster), () => {});
    await clock.advance(60_000);
    cluster.compact();
    cluster.dropWatches();
    await clock.advance(60_000);
    expect(events).toEqual(['Init', 'InitApply a', 'InitDone', 'Bookmark', 'Bookmark']);
  });

  test('takes a new snapshot when its version was compacted away', async () => {
    const { clock, cluster, events } = start({ objects: [map('a')] });
    await settle();
    const silence = cluster.holdWatches(ConfigMaps);
    cluster.load(map('b'));
    cluster.remove(ConfigMaps, { namespace: 'default', name: 'a' });
    cluster.compact();
    cluster.dropWatches();
    silence[Symbol.dispose]();
    await clock.advance(1_000);
    expect(requests(cluster)).toEqual(['watch from now -> ok', 'watch from 6 -> 410 Expired', 'watch from now -> ok']);
    expect(events.slice(3)).toEqual(['Init', 'InitApply b', 'InitDone']);
  });

  test('survives refused connections without listing anew', async () => {
    const { clock, cluster, events, states, lines } = start({ objects: [map('a')] });
    await settle();
    cluster.fault({ verb: 'watch', status: 'network', times: 3 });
    cluster.dropWatches({ status: 'network' });
    await clock.advance(60_000);
    cluster.load(map('b'));
    await settle();
    expect(events.filter((event) => event !== 'Bookmark')).toEqual(['Init', 'InitApply a', 'InitDone', 'Apply b']);
    expect(requests(cluster).filter((line) => line.includes('no answer'))).toHaveLength(3);
    expect(states()).toEqual(['live', 'retrying', 'retrying', 'retrying', 'retrying', 'live']);
    expect(lines).toEqual(['warn cannot follow this kind', 'info following this kind again']);
  });

  test('says nothing of a single failure', async () => {
    const { clock, cluster, lines, states } = start();
    await settle();
    cluster.dropWatches({ status: 'network' });
    await clock.advance(2_000);
    expect([lines, states()]).toEqual([[], ['live', 'retrying', 'live']]);
  });

  test('gives up a watch that has been silent for 70 seconds and resumes at once', async () => {
    const { clock, cluster, events } = start({ objects: [map('a')] });
    await settle();
    const silence = cluster.holdWatches();
    cluster.load(map('b'));
    await clock.advance(69_000);
    expect(requests(cluster)).toHaveLength(1);
    await clock.advance(1_001);
    expect(requests(cluster)).toHaveLength(2);
    silence[Symbol.dispose]();
    await settle();
    expect(events).toContain('Apply b');
  });

  test('lives with a server that never says that the initial events have ended', async () => {
    const mute = (cluster: FakeCluster): Source => ({
      list: (resource, options) => cluster.list(resource, options),
      watch: (resource, options) =>
        cluster.watch(
          resource,
          options?.sendInitialEvents === true ? { ...options, allowWatchBookmarks: false } : options,
        ),
    });
    const { clock, cluster, events, states } = start({ objects: [map('a')], client: mute });
    await clock.advance(19_999);
    expect(states()).toEqual([]);
    await clock.advance(1);
    expect(events).toEqual(['Init', 'InitApply a', 'Init', 'InitApply a', 'InitDone']);
    expect(requests(cluster).map((line) => line.split(' ')[0])).toEqual(['watch', 'list', 'watch']);
  });

  test('pages through what cannot be streamed, 500 at a time', async () => {
    const objects = Array.from({ length: 1_001 }, (_, at) => map(`m-${at}`));
    const { cluster, events } = start({ objects });
    cluster.fault({ verb: 'watch', status: 422 });
    await settle();
    expect(requests(cluster).map((line) => line.split(' ')[0])).toEqual(['watch', 'list', 'list', 'list', 'watch']);
    expect(events.filter((event) => event.startsWith('InitApply'))).toHaveLength(1_001);
    expect(events.at(-1)).toBe('InitDone');
  });

  test('gives up a list that does not end', async () => {
    const { clock, cluster, states, health } = start();
    cluster.fault({ verb: 'watch', status: 422 });
    cluster.fault({ verb: 'list', delay: 1_000_000 });
    await clock.advance(59_999);
    expect(states()).toEqual([]);
    await clock.advance(1);
    expect(health[0]).toMatchObject({ state: 'retrying', error: { code: 'K3S_API_TIMEOUT' } });
    await clock.advance(800);
    expect(states()).toEqual(['retrying', 'live']);
  });

  test('waits as long as the server asks', async () => {
    const { clock, cluster, states } = start();
    await settle();
    cluster.fault({ verb: 'watch', status: 429, retryAfter: 20_000 });
    cluster.dropWatches({ status: 'network' });
    await clock.advance(800);
    expect(requests(cluster)).toHaveLength(2);
    await clock.advance(19_199);
    expect(requests(cluster)).toHaveLength(2);
    await clock.advance(801);
    expect(requests(cluster)).toHaveLength(3);
    expect(states().at(-1)).toBe('live');
  });

  test('shows that a kind is not there, asks rarely, and at once when told that it may be', async () => {
    const widgets: Resource<ConfigMap> = {
      group: 'example.com',
      version: 'v1',
      kind: 'Widget',
      plural: 'widgets',
      scope: 'Namespaced',
    };
    const { clock, cluster, events, health, lines, reflector } = start({ resource: widgets });
    await clock.advance(600_000);
    const asked = cluster.calls.length;
    expect(asked).toBeGreaterThan(15);
    expect(asked).toBeLessThan(60);
    expect(health.at(-1)).toMatchObject({ state: 'unavailable', error: { status: 404 } });
    expect(lines).toEqual(['warn the API server does not serve this kind']);
    cluster.declare(widgets);
    reflector.retryNow();
    await settle();
    expect(events).toEqual(['Init', 'InitDone']);
    expect(health.at(-1)).toEqual({ state: 'live' });
  });

  test('does not hurry when there is nothing that it waits for', async () => {
    const { cluster, reflector } = start();
    await settle();
    reflector.retryNow();
    await settle();
    expect(requests(cluster)).toHaveLength(1);
  });

  test('ends its watch when its time is over, and goes on with another', async () => {
    const { clock, cluster, events } = start({ objects: [map('a')] });
    await clock.advance(3_600_000);
    const watches = requests(cluster).length;
    expect(watches).toBeGreaterThanOrEqual(6);
    expect(watches).toBeLessThanOrEqual(13);
    expect(events.filter((event) => event !== 'Bookmark')).toEqual(['Init', 'InitApply a', 'InitDone']);
  });
});

function secret(cluster: FakeCluster): { namespace: string; name: string } {
  const ref = { namespace: 'default', name: `s-${cluster.resourceVersion}` };
  cluster.load({ apiVersion: 'v1', kind: 'Secret', metadata: ref });
  return ref;
}
