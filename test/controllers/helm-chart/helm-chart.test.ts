import { describe, expect, test } from 'vitest';
import { Events, Secrets } from '../../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import { helmChart } from '../../../src/controllers/helm-chart/helm-chart.ts';
import { HelmChartConfigs } from '../../../src/crds/helm-chart-config.ts';
import { HelmCharts, type HelmChart, type HelmChartSpec } from '../../../src/crds/helm-chart.ts';
import { harness, type Harness } from '../../../src/framework/testing/harness.ts';
import { FakeHelm, releaseObject, type Ending } from './fake-helm.ts';

const REF = { namespace: 'default', name: 'podinfo' };
const REPO: HelmChartSpec = { chart: 'podinfo', repo: 'https://charts.example', version: '6.7.1' };

const chart = (spec: HelmChartSpec = REPO, annotations?: Record<string, string>): KubernetesObject & HelmChart => ({
  apiVersion: 'helm.cattle.io/v1',
  kind: 'HelmChart',
  metadata: { ...REF, ...(annotations === undefined ? {} : { annotations }) },
  spec: { ...spec },
});

async function start(
  options: { endings?: Ending[]; objects?: KubernetesObject[]; chart?: KubernetesObject } = {},
): Promise<{ run: Harness; helm: FakeHelm; edit: (spec: HelmChartSpec) => Promise<void> }> {
  const helm = new FakeHelm();
  helm.endings.push(...(options.endings ?? []));
  const run = await harness(helmChart, { deps: { helm }, kinds: [HelmChartConfigs], objects: options.objects ?? [] });
  helm.cluster = run.cluster;
  run.cluster.load(options.chart ?? chart());
  await run.settle();
  const edit = async (spec: HelmChartSpec): Promise<void> => {
    run.cluster.edit(HelmCharts, REF, (object) => {
      object.spec = { ...object.spec, ...spec };
    });
    await run.settle();
  };
  return { run, helm, edit };
}

/** An object as a new cluster takes it in. */
function restored<T extends { metadata: object }>(object: T): T {
  const metadata = { ...object.metadata, resourceVersion: undefined, uid: undefined };
  return JSON.parse(JSON.stringify({ ...object, metadata })) as T;
}

const statusOf = (run: Harness) => run.cluster.object(HelmCharts, REF)?.status;
const conditionsOf = (run: Harness): Record<string, string> =>
  Object.fromEntries(
    (statusOf(run)?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );
const eventsOf = async (run: Harness): Promise<string[]> => {
  await run.advance(2000);
  return run.cluster.objects(Events).map(({ reason }) => reason ?? '');
};

describe('a HelmChart', () => {
  test('is installed, and its status says what is there', async () => {
    const { run, helm } = await start();
    await using _ = run;
    expect(helm.words).toEqual(['upgrade podinfo']);
    expect(conditionsOf(run)).toEqual({ Ready: 'True Deployed', Failed: 'False Deployed' });
    expect(statusOf(run)).toMatchObject({
      observedGeneration: 1,
      release: {
        name: 'podinfo',
        namespace: 'default',
        revision: 1,
        status: 'deployed',
        chart: 'podinfo',
        version: '6.7.1',
      },
    });
    expect(statusOf(run)).not.toHaveProperty('lastError');
    expect(await eventsOf(run)).toEqual(expect.arrayContaining(['InstallingChart', 'InstalledChart']));
  });

  test('is upgraded when what it asks for changes, and only then', async () => {
    const { run, helm, edit } = await start();
    await using _ = run;
    await edit({ failurePolicy: 'retry', timeout: '10m' });
    expect(helm.words).toHaveLength(1);
    expect(statusOf(run)?.observedGeneration).toBe(2);
    await edit({ valuesContent: 'replicaCount: 2' });
    expect(helm.words).toEqual(['upgrade podinfo', 'upgrade podinfo']);
    expect(statusOf(run)?.release?.revision).toBe(2);
    expect(await eventsOf(run)).toContain('UpgradedChart');
  });

  test('is not installed again by a restart', async () => {
    const { run, helm } = await start();
    const records = run.cluster.objects(Secrets).map(restored);
    const [live = chart()] = run.cluster.objects(HelmCharts).map(restored);
    await run[Symbol.asyncDispose]();
    const again = await start({ objects: records, chart: live });
    await using _ = again.run;
    expect(helm.words).toHaveLength(1);
    expect(again.helm.words).toEqual([]);
    expect(conditionsOf(again.run)['Ready']).toBe('True Deployed');
  });

  test('follows its HelmChartConfig as that comes, changes and goes', async () => {
    const { run, helm } = await start();
    await using _ = run;
    run.cluster.load({
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChartConfig',
      metadata: REF,
      spec: { valuesContent: 'a: 1' },
    } as KubernetesObject);
    await run.settle();
    expect(helm.runs.at(-1)?.files).toMatchObject({ 'values-000.yaml': 'a: 1' });
    run.cluster.remove(HelmChartConfigs, REF);
    await run.settle();
    expect(helm.runs).toHaveLength(3);
    expect(helm.runs.at(-1)?.files).toEqual({});
  });

  test('waits for the Secret with its values, and is upgraded when that changes', async () => {
    const { run, helm } = await start({
      chart: chart({ ...REPO, valuesSecrets: [{ name: 'values', keys: ['v.yaml'] }] }),
    });
    await using _ = run;
    expect(helm.words).toEqual([]);
    expect(conditionsOf(run)['Ready']).toBe('False ReferenceMissing');
    const secret = (text: string): KubernetesObject & Record<string, unknown> => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'default', name: 'values' },
      data: { 'v.yaml': Buffer.from(text).toString('base64') },
    });
    run.cluster.load(secret('a: 1'));
    await run.settle();
    expect(helm.runs.at(-1)?.files).toEqual({ 'values-000.yaml': 'a: 1' });
    run.cluster.edit(Secrets, { namespace: 'default', name: 'values' }, (object) => {
      object.data = { 'v.yaml': Buffer.from('a: 2').toString('base64') };
    });
    await run.settle();
    expect(helm.runs.at(-1)?.files).toEqual({ 'values-000.yaml': 'a: 2' });
  });

  test.each([
    ['declared unmanaged', { 'helmcharts.helm.cattle.io/unmanaged': '' }],
    ['managed by another controller', { 'helmcharts.cattle.io/managed-by': 'other' }],
  ])('that is %s is left alone, and can be deleted', async (_, annotations) => {
    const { run, helm } = await start({ chart: chart(REPO, annotations) });
    await using __ = run;
    expect(helm.words).toEqual([]);
    run.cluster.remove(HelmCharts, REF);
    await run.settle();
    expect(run.cluster.object(HelmCharts, REF)).toBeUndefined();
    expect(helm.words).toEqual([]);
  });
});

describe('a chart that fails', () => {
  test('says why, once and in the words of helm, and is tried again ever more seldom', async () => {
    const fails = {
      fails: 'looks like "https://charts.example" is not a valid chart repository or cannot be reached',
      recorded: false,
    };
    const { run, helm } = await start({ endings: [fails, fails, fails] });
    await using _ = run;
    expect(conditionsOf(run)).toEqual({ Ready: 'False InstallFailed', Failed: 'True InstallFailed' });
    expect(statusOf(run)).toMatchObject({ failures: 1, lastError: fails.fails });
    expect(statusOf(run)?.conditions?.[0]?.message).toBe(fails.fails);
    expect(await eventsOf(run)).toContain('InstallFailed');
    expect(helm.words).toHaveLength(1);
    await run.advance(2_900);
    expect(helm.words).toHaveLength(1);
    await run.advance(10_000);
    expect(helm.words).toHaveLength(2);
    await run.advance(600_000);
    expect(helm.words).toHaveLength(4);
    expect(conditionsOf(run)).toEqual({ Ready: 'True Deployed', Failed: 'False Deployed' });
    expect(statusOf(run)).not.toHaveProperty('failures');
    expect(statusOf(run)).not.toHaveProperty('lastError');
  });

  test('at its first installation is uninstalled before the next attempt', async () => {
    const { run, helm } = await start({ endings: [{ fails: 'pre-install hook failed' }] });
    await using _ = run;
    await run.advance(600_000);
    expect(helm.words).toEqual(['upgrade podinfo', 'uninstall podinfo', 'upgrade podinfo']);
    expect(conditionsOf(run)['Ready']).toBe('True Deployed');
  });

  test('at an upgrade is not uninstalled: what works goes on working', async () => {
    const { run, helm, edit } = await start();
    await using _ = run;
    helm.endings.push({ fails: 'UPGRADE FAILED: cannot patch' });
    await edit({ version: '7.0.0' });
    expect(conditionsOf(run)['Ready']).toBe('False UpgradeFailed');
    expect(statusOf(run)?.release).toMatchObject({ revision: 2, status: 'failed' });
    await run.advance(600_000);
    expect(helm.words).toEqual(['upgrade podinfo', 'upgrade podinfo', 'upgrade podinfo']);
    expect(statusOf(run)?.release).toMatchObject({ revision: 3, status: 'deployed' });
  });

  test('and whose policy is abort is left alone until its spec changes', async () => {
    const { run, helm, edit } = await start({
      chart: chart({ ...REPO, failurePolicy: 'abort' }),
      endings: [{ fails: 'bad template' }],
    });
    await using _ = run;
    await run.advance(24 * 3_600_000);
    expect(helm.words).toHaveLength(1);
    expect(statusOf(run)).toMatchObject({ lastError: 'bad template' });
    expect(conditionsOf(run)['Failed']).toBe('True InstallFailed');
    await edit({ version: '6.7.2' });
    expect(conditionsOf(run)['Ready']).toBe('True Deployed');
  });

  test('counts its failures anew when its spec has changed', async () => {
    const fails: Ending = { fails: 'no', recorded: false };
    const { run, helm, edit } = await start({ endings: [fails, fails, fails, fails] });
    await using _ = run;
    await run.advance(20_000);
    expect(statusOf(run)?.failures).toBeGreaterThan(1);
    helm.endings.splice(0, Infinity, fails);
    await edit({ version: '6.7.2' });
    expect(statusOf(run)?.failures).toBe(1);
  });

  test('because helm cannot be run at all says so', async () => {
    const { run, helm } = await start({ chart: chart({ chart: '' }) });
    await using _ = run;
    helm.run = async () => {
      throw new Error('ENOSPC: no space left on device');
    };
    run.cluster.edit(HelmCharts, REF, (object) => {
      object.spec = REPO;
    });
    await run.settle();
    expect(statusOf(run)?.lastError).toContain('ENOSPC');
    expect(conditionsOf(run)['Failed']).toBe('True InstallFailed');
  });

  test('because of its spec is not tried at all until that changes', async () => {
    const { run, helm, edit } = await start({ chart: chart({ ...REPO, valuesContent: 'a: [1' }) });
    await using _ = run;
    expect(helm.words).toEqual([]);
    expect(conditionsOf(run)).toEqual({ Ready: 'False InvalidSpec', Failed: 'True InvalidSpec' });
    expect(statusOf(run)?.conditions?.[0]?.message).toContain('spec.valuesContent, line 1');
    await run.advance(3_600_000);
    expect(run.records.filter(({ result }) => result.type === 'failed')).toHaveLength(1);
    await edit({ valuesContent: 'a: [1]' });
    expect(conditionsOf(run)['Ready']).toBe('True Deployed');
  });
});

describe('an interruption', () => {
  test('of an upgrade is overcome at the next start: that revision is dropped and made anew', async () => {
    const { run, helm } = await start({
      objects: [
        releaseObject({
          ...REF,
          revision: 1,
          status: 'deployed',
          labels: { 'helmcharts.helm.cattle.io/configHash': 'OLD' },
        }),
        releaseObject({ ...REF, revision: 2, status: 'pending-upgrade' }),
      ],
    });
    await using _ = run;
    expect(helm.words).toEqual(['upgrade podinfo']);
    expect(statusOf(run)?.release).toMatchObject({ revision: 2, status: 'deployed' });
  });

  test('of a run that hangs comes with the change of its chart, or with its deletion', async () => {
    const { run, helm, edit } = await start({ endings: ['hangs', 'hangs'] });
    await using _ = run;
    await edit({ version: '6.7.2' });
    expect(helm.words).toHaveLength(1);
    await run.advance(6000);
    expect(helm.words).toHaveLength(2);
    run.cluster.remove(HelmCharts, REF);
    await run.advance(6000);
    expect(run.cluster.object(HelmCharts, REF)).toBeUndefined();
    expect(run.records.every(({ result }) => result.type === 'done')).toBe(true);
  });

  test('does not come from a server that cannot say whether the chart has changed', async () => {
    const { run, helm } = await start({ endings: ['hangs'] });
    await using _ = run;
    run.cluster.fault({ verb: 'get', resource: HelmCharts, status: 503, times: 1000 });
    await run.advance(60_000);
    expect(helm.words).toHaveLength(1);
    expect(run.records).toHaveLength(0);
  });

  test('by the end of the server is no failure of the chart', async () => {
    const { run } = await start({ endings: ['hangs'] });
    await run[Symbol.asyncDispose]();
    expect(conditionsOf(run)['Ready']).toBe('False Installing');
    expect(statusOf(run)).not.toHaveProperty('failures');
  });
});

describe('deleting a HelmChart', () => {
  test('uninstalls its release', async () => {
    const { run, helm } = await start();
    await using _ = run;
    run.cluster.remove(HelmCharts, REF);
    await run.settle();
    expect(helm.words).toEqual(['upgrade podinfo', 'uninstall podinfo']);
    expect(run.cluster.object(HelmCharts, REF)).toBeUndefined();
    expect(run.cluster.objects(Secrets)).toEqual([]);
  });

  test('that never was installed needs no helm', async () => {
    const { run, helm } = await start({ chart: chart({ chart: '' }) });
    await using _ = run;
    run.cluster.remove(HelmCharts, REF);
    await run.settle();
    expect(helm.words).toEqual([]);
    expect(run.cluster.object(HelmCharts, REF)).toBeUndefined();
  });

  test('waits until the release is gone, and says what is in the way', async () => {
    const { run, helm } = await start();
    await using _ = run;
    helm.endings.push({ fails: 'post-delete hook failed' });
    run.cluster.remove(HelmCharts, REF);
    await run.settle();
    expect(conditionsOf(run)['Ready']).toBe('False UninstallFailed');
    expect(statusOf(run)?.lastError).toBe('post-delete hook failed');
    await run.advance(600_000);
    expect(run.cluster.object(HelmCharts, REF)).toBeUndefined();
  });
});

test('the life of a HelmChart is this exchange with the API server', async () => {
  const { run, helm, edit } = await start();
  await using _ = run;
  helm.endings.push({ fails: 'UPGRADE FAILED: cannot patch' });
  await edit({ version: '7.0.0' });
  await run.advance(60_000);
  run.cluster.remove(HelmCharts, REF);
  await run.advance(2000);
  await expect(run.transcript()).toMatchFileSnapshot('life-of-a-helm-chart.golden.txt');
});

test('two charts at most are worked on at the same time', async () => {
  const { run, helm } = await start({ endings: ['hangs', 'hangs', 'hangs'] });
  await using _ = run;
  for (const name of ['b', 'c']) {
    const other = chart();
    other.metadata = { namespace: 'default', name };
    run.cluster.load(other);
  }
  await run.settle();
  expect(helm.words).toHaveLength(2);
});
