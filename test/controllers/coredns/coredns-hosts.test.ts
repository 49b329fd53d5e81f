import { expect, test } from 'vitest';
import { ConfigMaps, Nodes } from '../../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import { coreDnsHosts } from '../../../src/controllers/coredns/coredns-hosts.ts';
import { harness } from '../../../src/framework/testing/harness.ts';

const REF = { namespace: 'kube-system', name: 'coredns' };

const configMap = (
  data: Record<string, string> = { Corefile: '.:53 {}' },
): KubernetesObject & Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...REF, labels: { 'k3s.cattle.io/node-hosts': 'true' } },
  data,
});

const node = (name: string, address: string): KubernetesObject & Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { addresses: [{ type: 'InternalIP', address }] },
});

test('nodes that come, change and go are followed, and nothing else of the ConfigMap is touched', async () => {
  await using run = await harness(coreDnsHosts, { deps: undefined, objects: [configMap(), node('a', '10.0.0.1')] });
  const data = () => run.cluster.object(ConfigMaps, REF)?.data;
  expect(data()).toEqual({ Corefile: '.:53 {}', NodeHosts: '10.0.0.1 a\n' });
  run.cluster.load(node('b', '10.0.0.2'));
  await run.settle();
  expect(data()).toEqual({ Corefile: '.:53 {}', NodeHosts: '10.0.0.1 a\n10.0.0.2 b\n' });
  run.cluster.edit(Nodes, { name: 'a' }, (object) => {
    object.status = { addresses: [{ type: 'InternalIP', address: '10.0.0.7' }] };
  });
  await run.settle();
  expect(data()?.['NodeHosts']).toBe('10.0.0.2 b\n10.0.0.7 a\n');
  run.cluster.remove(Nodes, { name: 'b' });
  await run.settle();
  expect(data()?.['NodeHosts']).toBe('10.0.0.7 a\n');
});

test("a node's heartbeat causes no run", async () => {
  await using run = await harness(coreDnsHosts, { deps: undefined, objects: [configMap(), node('a', '10.0.0.1')] });
  const before = run.records.length;
  run.cluster.edit(Nodes, { name: 'a' }, (object) => {
    object.status = { ...object.status, conditions: [{ type: 'Ready', status: 'True' }] };
  });
  await run.settle();
  expect(run.records.length).toBe(before);
});

test('a node that went while nobody looked is dropped at the start, and the lines of others stay', async () => {
  const left = configMap({ NodeHosts: '10.0.0.1 a\n10.0.0.2 gone\n192.0.2.1 printer\n' });
  left.metadata.annotations = { 'k3s.cattle.io/node-hosts-of': 'a,gone' };
  await using run = await harness(coreDnsHosts, { deps: undefined, objects: [left, node('a', '10.0.0.1')] });
  expect(run.cluster.object(ConfigMaps, REF)?.data?.['NodeHosts']).toBe('10.0.0.1 a\n192.0.2.1 printer\n');
});

test('nothing is written when nothing has changed', async () => {
  const same = configMap({ NodeHosts: '10.0.0.1 a\n' });
  same.metadata.annotations = { 'k3s.cattle.io/node-hosts-of': 'a' };
  await using run = await harness(coreDnsHosts, { deps: undefined, objects: [same, node('a', '10.0.0.1')] });
  expect(run.cluster.calls.filter(({ verb }) => verb === 'apply')).toEqual([]);
});
