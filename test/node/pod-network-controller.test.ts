import { expect, test } from 'vitest';
import { Nodes } from '../../src/cluster/kinds.ts';
import { harness } from '../../src/framework/testing/harness.ts';
import { podNetworkController } from '../../src/node/pod-network-controller.ts';

const node = (name: string, spec: object = {}) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec });

test('the network is configured as soon as this machine’s Node has ranges, and again only when they change', async () => {
  const configured: (readonly string[])[] = [];
  const deps = {
    nodeName: 'one',
    configure: (podCIDRs: readonly string[]) => Promise.resolve(configured.push(podCIDRs) > 0),
  };
  const other = node('two', { podCIDRs: ['10.42.7.0/24'] });
  await using running = await harness(podNetworkController, { deps, objects: [node('one'), other] });
  expect(configured).toEqual([]);
  const patch = async (body: object): Promise<void> => {
    await running.cluster.patch(Nodes, { name: 'one' }, { type: 'merge', body });
    await running.settle();
  };
  await patch({ spec: { podCIDR: '10.42.0.0/24', podCIDRs: ['10.42.0.0/24', 'fd00:42::/64'] } });
  expect(configured).toEqual([['10.42.0.0/24', 'fd00:42::/64']]);
  await patch({ metadata: { labels: { heartbeat: '1' } } });
  expect(configured).toHaveLength(1);
  await patch({ spec: { podCIDR: '10.42.3.0/24', podCIDRs: ['10.42.3.0/24'] } });
  expect(configured).toEqual([['10.42.0.0/24', 'fd00:42::/64'], ['10.42.3.0/24']]);
});

test('a failure to write is tried again', async () => {
  let attempts = 0;
  const configure = (): Promise<boolean> => {
    attempts++;
    return attempts === 1 ? Promise.reject(new Error('no space left on device')) : Promise.resolve(true);
  };
  const objects = [node('one', { podCIDR: '10.42.0.0/24' })];
  await using running = await harness(podNetworkController, { deps: { nodeName: 'one', configure }, objects });
  await running.advance(1_000);
  expect(attempts).toBe(2);
});
