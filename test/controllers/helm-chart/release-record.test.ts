import { expect, test } from 'vitest';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { describeRecord, HASH_LABEL, releaseRecords } from '../../../src/controllers/helm-chart/release-record.ts';
import { FakeCluster } from '../../../src/framework/testing/fake-cluster.ts';
import { releaseObject } from './fake-helm.ts';

const chart = { name: 'podinfo', version: '6.7.1', appVersion: '6.7' };

test.each(['secret', 'configmap'] as const)(
  'revisions are read from every %s of the release, oldest first',
  async (driver) => {
    const kind = driver === 'secret' ? 'Secret' : 'ConfigMap';
    const release = { name: 'podinfo', namespace: 'web', driver };
    const common = { name: 'podinfo', namespace: 'web', kind, chart } as const;
    const cluster = new FakeCluster({
      clock: new VirtualClock(),
      objects: [
        releaseObject({ ...common, revision: 10, status: 'deployed', labels: { [HASH_LABEL]: 'ABC' } }),
        releaseObject({ ...common, revision: 9, status: 'superseded' }),
        releaseObject({ ...common, name: 'other', revision: 3, status: 'deployed' }),
        releaseObject({ ...common, namespace: 'elsewhere', revision: 4, status: 'deployed' }),
      ],
    });
    const records = await releaseRecords(cluster, release);
    expect(records.map(({ revision, status, hash }) => [revision, status, hash])).toEqual([
      [9, 'superseded', undefined],
      [10, 'deployed', 'ABC'],
    ]);
    const latest = records.at(-1);
    expect(latest && describeRecord(release, latest)).toEqual({
      name: 'podinfo',
      namespace: 'web',
      revision: 10,
      status: 'deployed',
      chart: 'podinfo',
      version: '6.7.1',
      appVersion: '6.7',
      updated: '2026-01-01T00:00:00Z',
    });
  },
);

test('a record that cannot be unpacked still tells what its labels do', () => {
  const object = releaseObject({ name: 'podinfo', namespace: 'web', revision: 2, status: 'failed' });
  Object.assign(object, { data: { release: 'bm90IGd6aXA=' } });
  const record = { object, revision: 2, status: 'failed', hash: undefined };
  expect(describeRecord({ name: 'podinfo', namespace: 'web', driver: 'secret' }, record)).toEqual({
    name: 'podinfo',
    namespace: 'web',
    revision: 2,
    status: 'failed',
  });
});
