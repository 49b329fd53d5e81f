import { describe, expect, test } from 'vitest';
import { settle, VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { CustomResourceDefinitions } from '../../../src/cluster/kinds.ts';
import { ensureCustomResourceDefinitions } from '../../../src/controllers/custom-resources/ensure.ts';
import { Addons } from '../../../src/crds/addon.ts';
import { HelmChartConfigs } from '../../../src/crds/helm-chart-config.ts';
import { HelmCharts } from '../../../src/crds/helm-chart.ts';
import { FakeCluster } from '../../../src/framework/testing/fake-cluster.ts';

const KINDS = [Addons, HelmCharts, HelmChartConfigs] as const;

function start(controllerDelay = 0) {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, controllerDelay });
  const { signal } = new AbortController();
  return {
    clock,
    cluster,
    ensured: (timeout = 60_000) => ensureCustomResourceDefinitions(cluster, KINDS, { clock, signal, timeout }),
  };
}

describe('making the API server know our kinds', () => {
  test('resolves when each of them is served', async () => {
    const { clock, cluster, ensured } = start(200);
    const done = ensured();
    await settle();
    expect(await cluster.resourceFor('k3s.cattle.io/v1', 'Addon')).toBeUndefined();
    await clock.advance(300);
    await done;
    for (const { group, version, kind } of KINDS) {
      expect(await cluster.resourceFor(`${group}/${version}`, kind), kind).toBeDefined();
    }
  });

  test('brings a definition to ours that was there before', async () => {
    const { clock, cluster, ensured } = start();
    const older = structuredClone(Addons.definition);
    older.spec.versions[0]?.additionalPrinterColumns.splice(0);
    cluster.load(older);
    const done = ensured();
    await clock.advance(1000);
    await done;
    const live = cluster.object(CustomResourceDefinitions, { name: 'addons.k3s.cattle.io' });
    expect(live?.spec.versions[0]?.additionalPrinterColumns).toHaveLength(5);
  });

  test('outlives a server that is not ready yet', async () => {
    const { clock, cluster, ensured } = start();
    cluster.fault({ status: 503, times: 10 });
    const done = ensured();
    await clock.advance(5000);
    await expect(done).resolves.toBeUndefined();
  });

  test('gives up after a while and names the kind', async () => {
    const { clock, cluster, ensured } = start();
    cluster.fault({ status: 503, times: 1e6, message: 'etcd is not there' });
    const done = expect(ensured(2000)).rejects.toMatchObject({
      code: 'K3S_CRD_NOT_ESTABLISHED',
      message: expect.stringMatching(/^the API server does not serve \S+\.cattle\.io after 2 s$/),
    });
    await clock.advance(3000);
    await done;
  });

  test('does not try again what the server refuses', async () => {
    const { cluster, ensured } = start();
    cluster.fault({ verb: 'apply', status: 403, times: 3 });
    await expect(ensured()).rejects.toMatchObject({ status: 403 });
  });
});
