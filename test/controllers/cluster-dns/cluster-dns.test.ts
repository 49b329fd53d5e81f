import { expect, test } from 'vitest';
import { ConfigMaps } from '../../../src/cluster/kinds.ts';
import { clusterDns } from '../../../src/controllers/cluster-dns/cluster-dns.ts';
import { harness } from '../../../src/framework/testing/harness.ts';

const REF = { namespace: 'kube-system', name: 'cluster-dns' };
const deps = { clusterDns: ['10.43.0.10', 'fd00::a'], clusterDomain: 'cluster.local' };

test('the ConfigMap is made if it is missing', async () => {
  await using run = await harness(clusterDns, { deps });
  expect(run.cluster.object(ConfigMaps, REF)?.data).toEqual({
    clusterDNS: '10.43.0.10,fd00::a',
    clusterDomain: 'cluster.local',
  });
});

test('one that is there stays as it is', async () => {
  const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: REF, data: { clusterDNS: '10.0.0.1' } };
  await using run = await harness(clusterDns, { deps, objects: [theirs] });
  expect(run.cluster.object(ConfigMaps, REF)?.data).toEqual({ clusterDNS: '10.0.0.1' });
});

test('a server that does not answer yet is asked again', async () => {
  await using run = await harness(clusterDns, { deps });
  run.cluster.remove(ConfigMaps, REF);
  run.cluster.fault({ verb: 'get', status: 503, times: 3 });
  await run.advance(12 * 3_600_000);
  expect(run.cluster.object(ConfigMaps, REF)).toBeDefined();
  expect(run.records.filter(({ result }) => result.type === 'failed')).toHaveLength(3);
});
