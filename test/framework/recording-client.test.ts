import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { ConfigMaps, type ConfigMap } from '../../src/cluster/kinds.ts';
import { RecordingClient, type Write } from '../../src/framework/recording-client.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

const ref = { namespace: 'default', name: 'a' };
const configMap: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...ref } };

function make() {
  const cluster = new FakeCluster({ clock: new VirtualClock() });
  const writes: Write[] = [];
  const run = new AbortController();
  const client = new RecordingClient(cluster, { signal: run.signal, fieldManager: 'test', writes });
  return { cluster, client, writes, run };
}

describe('RecordingClient', () => {
  test('remembers every write with the version that the server answered', async () => {
    const { client, writes } = make();
    const created = await client.create(ConfigMaps, configMap);
    const replaced = await client.replace(ConfigMaps, { ...configMap, data: { n: '1' } });
    const patched = await client.patch(ConfigMaps, ref, { type: 'merge', body: { data: { n: '2' } } });
    const applied = await client.apply(
      ConfigMaps,
      { ...configMap, metadata: ref, data: { n: '3' } },
      { fieldManager: 'x', force: true },
    );
    expect(writes.map(({ key, resourceVersion }) => [key, resourceVersion])).toEqual(
      [created, replaced, patched, applied].map(({ metadata }) => ['default/a', metadata.resourceVersion]),
    );
  });

  test('does not remember reads, deletions and dry runs', async () => {
    const { client, writes } = make();
    await client.create(ConfigMaps, configMap, { dryRun: true });
    await client.create(ConfigMaps, configMap);
    await client.get(ConfigMaps, ref);
    await client.list(ConfigMaps);
    await client.raw('GET', '/readyz');
    await client.resourceFor('v1', 'ConfigMap');
    await client.delete(ConfigMaps, ref);
    expect(writes).toHaveLength(1);
  });

  test('names the field manager unless the caller does', async () => {
    const { cluster, client } = make();
    await client.create(ConfigMaps, { ...configMap, data: { a: '1' } });
    await client.patch(ConfigMaps, ref, { type: 'merge', body: { data: { b: '2' } } }, { fieldManager: 'other' });
    const managers = cluster.object(ConfigMaps, ref)?.metadata.managedFields as { manager: string }[];
    expect(managers.map(({ manager }) => manager)).toEqual(['test', 'other']);
  });

  test('ends its requests when the run ends', async () => {
    const { cluster, client, run } = make();
    cluster.fault({ verb: 'get', delay: 1000 });
    const pending = client.get(ConfigMaps, ref);
    const watch = (async () => {
      for await (const _ of client.watch(ConfigMaps)) continue;
    })();
    run.abort(new Error('over'));
    await expect(pending).rejects.toThrow('over');
    await expect(watch).rejects.toThrow('over');
  });
});
