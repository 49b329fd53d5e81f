import { expect, test } from 'vitest';
import { Nodes } from '../../src/cluster/kinds.ts';
import { harness } from '../../src/framework/testing/harness.ts';
import { nodeMetadataController } from '../../src/node/node-metadata-controller.ts';

const metadata = {
  labels: { 'node-role.kubernetes.io/control-plane': 'true', tier: 'front' },
  annotations: { 'k3s.io/hostname': 'one' },
};
const node = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
});

test('this machine’s Node gets its labels and annotations beside those of others; other Nodes are left alone', async () => {
  await using running = await harness(nodeMetadataController, {
    deps: { nodeName: 'one', metadata },
    objects: [node('one', { 'kubernetes.io/os': 'linux' }), node('two')],
  });
  const one = await running.cluster.get(Nodes, { name: 'one' });
  expect(one.metadata.labels).toEqual({ 'kubernetes.io/os': 'linux', ...metadata.labels });
  expect(one.metadata.annotations).toEqual(metadata.annotations);
  expect((await running.cluster.get(Nodes, { name: 'two' })).metadata.labels).toEqual({});
});

test('a label that somebody takes away comes back', async () => {
  await using running = await harness(nodeMetadataController, {
    deps: { nodeName: 'one', metadata },
    objects: [node('one')],
  });
  const body = { metadata: { labels: { tier: 'back' } } };
  await running.cluster.patch(Nodes, { name: 'one' }, { type: 'merge', body });
  await running.settle();
  expect((await running.cluster.get(Nodes, { name: 'one' })).metadata.labels).toMatchObject({ tier: 'front' });
});

test('a Node that appears later is labelled at once, and heartbeats cause no writes', async () => {
  await using running = await harness(nodeMetadataController, { deps: { nodeName: 'one', metadata }, objects: [] });
  await running.cluster.create(Nodes, node('one'));
  await running.settle();
  expect((await running.cluster.get(Nodes, { name: 'one' })).metadata.labels).toMatchObject(metadata.labels);
  const before = running.records.length;
  const body = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
  await running.cluster.patch(Nodes, { name: 'one' }, { type: 'merge', body });
  await running.settle();
  expect(running.records).toHaveLength(before);
});
