import { describe, expect } from 'vitest';
import { chartIndex, packChart, type Chart } from './charts.ts';
import { clusterTest } from './cluster-test.ts';
import { MANIFESTS, type K3sMachine } from './k3s-machine.ts';
import { toolsContainer, webServer } from './pods.ts';
import { until } from './until.ts';

const test = clusterTest({ name: 'helm-chart' });

const NAMESPACE = 'kube-system';

/** A web server that says `greeting`, and a ConfigMap that tells what the values were. */
const SHOP: Chart = {
  name: 'shop',
  version: '1.2.3',
  values: { greeting: 'default', replicas: 1, color: 'none' },
  schema: { type: 'object', properties: { replicas: { type: 'integer', minimum: 0 } } },
  templates: {
    'values.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-values }
data: {{ toJson (dict "greeting" .Values.greeting "color" .Values.color) }}
`,
    'server.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      terminationGracePeriodSeconds: 0
      containers: [${JSON.stringify(toolsContainer(webServer('shop')))}]
`,
  },
};

/** A ConfigMap alone; a value of `name` that Kubernetes does not take makes helm fail half-way. */
const SMALL: Chart = {
  name: 'small',
  version: '0.1.0',
  values: { name: 'small' },
  templates: {
    'map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Values.name | quote }} }\ndata: { k: v }\n',
  },
};

interface HelmChart {
  metadata: { name: string };
  status?: {
    conditions?: { type: string; status: string; reason: string; message: string }[];
    release?: { revision: number; status: string; chart: string; version: string };
    failures?: number;
  };
}

const helmChart = (name: string, spec: object): object => ({
  apiVersion: 'helm.cattle.io/v1',
  kind: 'HelmChart',
  metadata: { name, namespace: NAMESPACE },
  spec,
});

const changeSpec = (cluster: K3sMachine, name: string, spec: object): Promise<string> =>
  cluster.kubectl('patch', 'helmchart', '-n', NAMESPACE, name, '--type=merge', '-p', JSON.stringify({ spec }));

const contentOf = async (chart: Chart): Promise<string> => (await packChart(chart)).toString('base64');

const statusOf = async (cluster: K3sMachine, name: string): Promise<NonNullable<HelmChart['status']>> =>
  (await cluster.get<HelmChart>('helmchart', '-n', NAMESPACE, name)).status ?? {};

/** Waits until the chart's condition Ready is as expected and returns its message. */
const untilReady = (cluster: K3sMachine, name: string, expected: { status: string; reason: string }): Promise<string> =>
  until(async () => {
    const { conditions = [] } = await statusOf(cluster, name);
    const ready = conditions.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject(expected);
    return ready?.message ?? '';
  }, 90_000);

const DEPLOYED = { status: 'True', reason: 'Deployed' };

const revision = (number: number): object => ({ release: { revision: number, status: 'deployed' } });

const untilRevision = (cluster: K3sMachine, name: string, number: number): Promise<void> =>
  until(async () => expect(await statusOf(cluster, name)).toMatchObject(revision(number)));

const valuesOf = async (cluster: K3sMachine): Promise<unknown> =>
  (await cluster.get<{ data: unknown }>('configmap', '-n', 'shopping', 'shop-values')).data;

const events = (cluster: K3sMachine, name: string): Promise<string> =>
  cluster.run(
    `kubectl get events -n ${NAMESPACE} --field-selector=involvedObject.kind=HelmChart,involvedObject.name=${name}`,
  );

describe('a chart that its HelmChart holds', () => {
  const spec = { targetNamespace: 'shopping', createNamespace: true };

  test('is installed with its values into the namespace, which is created', async ({ cluster }) => {
    await cluster.apply(
      helmChart('shop', { ...spec, chartContent: await contentOf(SHOP), valuesContent: 'greeting: hello\n' }),
    );
    await untilReady(cluster, 'shop', DEPLOYED);
    expect(await statusOf(cluster, 'shop')).toMatchObject({
      release: { revision: 1, status: 'deployed', chart: 'shop', version: '1.2.3' },
    });
    expect(await valuesOf(cluster)).toEqual({ greeting: 'hello', color: 'none' });
    await cluster.kubectl('rollout', 'status', '-n', 'shopping', 'deployment/shop', '--timeout=90s');
    expect(await cluster.run('helm list -n shopping --short')).toBe('shop\n');
    expect(await events(cluster, 'shop')).toMatch(/Normal +InstalledChart/);
  });

  test('is upgraded when its values change', async ({ cluster }) => {
    await changeSpec(cluster, 'shop', { valuesContent: 'greeting: good morning\n', set: { replicas: '2' } });
    await untilRevision(cluster, 'shop', 2);
    await untilReady(cluster, 'shop', DEPLOYED);
    expect(await valuesOf(cluster)).toEqual({ greeting: 'good morning', color: 'none' });
    const replicas = ['-o', 'jsonpath={.spec.replicas}'];
    expect(await cluster.kubectl('get', 'deployment', '-n', 'shopping', 'shop', ...replicas)).toBe('2');
  });

  test('follows a HelmChartConfig of its name, whose values win, until that is deleted', async ({ cluster }) => {
    await cluster.apply({
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChartConfig',
      metadata: { name: 'shop', namespace: NAMESPACE },
      spec: { valuesContent: 'color: green\n' },
    });
    await untilRevision(cluster, 'shop', 3);
    expect(await valuesOf(cluster)).toEqual({ greeting: 'good morning', color: 'green' });
    await cluster.kubectl('delete', 'helmchartconfig', '-n', NAMESPACE, 'shop');
    await untilRevision(cluster, 'shop', 4);
    expect(await valuesOf(cluster)).toEqual({ greeting: 'good morning', color: 'none' });
  });

  test('reports values that the chart refuses, keeps what runs, and recovers', async ({ cluster }) => {
    const values = (valuesContent: string): Promise<string> =>
      changeSpec(cluster, 'shop', { valuesContent, set: null });
    await values('replicas: many\n');
    expect(await untilReady(cluster, 'shop', { status: 'False', reason: 'UpgradeFailed' })).toContain('replicas');
    const { conditions } = await statusOf(cluster, 'shop');
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Failed', status: 'True' }));
    expect(await events(cluster, 'shop')).toMatch(/Warning +UpgradeFailed/);
    expect(await valuesOf(cluster)).toEqual({ greeting: 'good morning', color: 'none' });

    await values('replicas: [\n');
    expect(await untilReady(cluster, 'shop', { status: 'False', reason: 'InvalidSpec' })).toMatch(
      /spec\.valuesContent, line \d+, column \d+/,
    );

    await values('greeting: back\n');
    await untilReady(cluster, 'shop', DEPLOYED);
    expect(await valuesOf(cluster)).toEqual({ greeting: 'back', color: 'none' });
    const recovered = await statusOf(cluster, 'shop');
    expect(recovered.failures).toBeUndefined();
    expect(recovered.conditions).toContainEqual(expect.objectContaining({ type: 'Failed', status: 'False' }));
  });

  test('is uninstalled when its HelmChart is deleted', async ({ cluster }) => {
    await cluster.kubectl('delete', 'helmchart', '-n', NAMESPACE, 'shop', '--timeout=90s');
    expect(await cluster.kubectl('get', 'deployments,secrets', '-n', 'shopping', '-o', 'name')).toBe('');
    expect(await cluster.kubectl('get', 'configmaps', '-n', 'shopping', '-o', 'name')).toBe(
      'configmap/kube-root-ca.crt\n',
    );
  });
});

describe('a chart that fails while it is installed', () => {
  test('is reported, and installed once that can work', async ({ cluster }) => {
    const chartContent = await contentOf(SMALL);
    await cluster.apply(helmChart('small', { chartContent, valuesContent: 'name: Not A Name\n' }));
    expect(await untilReady(cluster, 'small', { status: 'False', reason: 'InstallFailed' })).toContain('Not A Name');
    await cluster.apply(helmChart('small', { chartContent, valuesContent: 'name: a-name\n' }));
    await untilReady(cluster, 'small', DEPLOYED);
    await cluster.kubectl('get', 'configmap', '-n', NAMESPACE, 'a-name');
    await cluster.kubectl('delete', 'helmchart', '-n', NAMESPACE, 'small', '--timeout=90s');
  });
});

describe('a chart in a repository', () => {
  const PORT = 8879;
  const repo = `http://127.0.0.1:${PORT}`;

  test('is reported while the repository cannot be reached, and installed when it can be', async ({ cluster }) => {
    await cluster.apply(
      helmChart('remote', { repo, chart: 'small', version: '0.1.0', valuesContent: 'name: from-repository\n' }),
    );
    expect(await untilReady(cluster, 'remote', { status: 'False', reason: 'InstallFailed' })).toContain(repo);
    expect((await statusOf(cluster, 'remote')).failures).toBeGreaterThan(0);

    const folder = '/run/charts';
    await cluster.machine.writeFile(`${folder}/index.yaml`, chartIndex([SMALL]));
    const archive = (await packChart(SMALL)).toString('base64');
    await cluster.run(`base64 -d > ${folder}/small-0.1.0.tgz`, { input: archive });
    const repository = await cluster.spawn(['busybox', 'httpd', '-f', '-p', `127.0.0.1:${PORT}`, '-h', folder]);
    await untilReady(cluster, 'remote', DEPLOYED);
    await cluster.kubectl('get', 'configmap', '-n', NAMESPACE, 'from-repository');
    await repository.kill();
  });

  test('is uninstalled without the repository, when the file that has its HelmChart is removed', async ({
    cluster,
  }) => {
    await cluster.kubectl('delete', 'helmchart', '-n', NAMESPACE, 'remote', '--timeout=90s');
    expect((await cluster.exec(`kubectl get configmap -n ${NAMESPACE} from-repository`)).stderr).toContain('NotFound');

    const chart = helmChart('dropped', { chartContent: await contentOf(SMALL), set: { name: 'dropped' } });
    await cluster.machine.writeFile(`${MANIFESTS}/dropped.yaml`, JSON.stringify(chart));
    await until(() => cluster.kubectl('get', 'configmap', '-n', NAMESPACE, 'dropped'));
    await cluster.run(['rm', `${MANIFESTS}/dropped.yaml`]);
    await until(async () => {
      expect(await cluster.kubectl('get', 'helmcharts', '-n', NAMESPACE, '-o', 'name')).toBe('');
      const names = await cluster.kubectl('get', 'configmaps,secrets', '-n', NAMESPACE, '-o', 'name');
      expect(names).not.toContain('dropped');
    });
  });
});
