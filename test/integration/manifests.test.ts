import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { MANIFESTS, type K3sMachine } from './k3s-machine.ts';
import { toolsContainer, webServer } from './pods.ts';
import { until } from './until.ts';

const test = clusterTest({ name: 'manifests' });

interface Addon {
  metadata: { name: string };
  spec: { source: string };
  status?: { conditions?: { type: string; status: string; reason: string; message: string }[] };
}

const configMap = (name: string, data: Record<string, string>): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: ${JSON.stringify(data)}\n`;

const drop = (cluster: K3sMachine, file: string, ...documents: string[]): Promise<void> =>
  cluster.machine.writeFile(`${MANIFESTS}/${file}`, documents.join('---\n'));

const remove = (cluster: K3sMachine, file: string): Promise<string> => cluster.run(['rm', `${MANIFESTS}/${file}`]);

/** The data of a ConfigMap of the namespace default; undefined when there is none. */
async function dataOf(cluster: K3sMachine, name: string): Promise<Record<string, string> | undefined> {
  const text = await cluster.kubectl('get', 'configmap', name, '--ignore-not-found', '-o', 'json');
  return text === '' ? undefined : ((JSON.parse(text) as { data?: Record<string, string> }).data ?? {});
}

const condition = async (
  cluster: K3sMachine,
  addon: string,
): Promise<{ status: string; reason: string; message: string }> => {
  const { status } = await cluster.get<Addon>('addon', '-n', 'kube-system', addon);
  return status?.conditions?.find(({ type }) => type === 'Ready') ?? { status: 'Unknown', reason: '', message: '' };
};

/** Waits until everything in the file is in the cluster. */
const isReady = (cluster: K3sMachine, addon: string): Promise<void> =>
  until(async () => expect(await condition(cluster, addon)).toMatchObject({ status: 'True' }));

/** The messages of the warnings about an Addon. */
const warnings = (cluster: K3sMachine, addon: string): Promise<string> =>
  cluster.run(
    `kubectl get events -n kube-system -o 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}' \
      --field-selector=involvedObject.kind=Addon,involvedObject.name=${addon},type=Warning`,
  );

describe('a file in the manifest directory', () => {
  test('runs: its objects are created, changed when it changes, and deleted when it is removed', async ({
    cluster,
  }) => {
    const deployment = (replicas: number): string =>
      JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'app', labels: { app: 'app' } },
        spec: {
          replicas,
          selector: { matchLabels: { app: 'app' } },
          template: {
            metadata: { labels: { app: 'app' } },
            spec: { terminationGracePeriodSeconds: 0, containers: [toolsContainer(webServer('app'))] },
          },
        },
      }) + '\n';
    await drop(
      cluster,
      'app.yaml',
      deployment(1),
      configMap('app', { a: '1', b: '1' }),
      configMap('extra', { c: '1' }),
    );
    await until(() => cluster.kubectl('rollout', 'status', 'deployment/app', '--timeout=60s'));
    expect(await dataOf(cluster, 'app')).toEqual({ a: '1', b: '1' });
    await isReady(cluster, 'app');

    await drop(cluster, 'app.yaml', deployment(2), configMap('app', { a: '2' }));
    await until(async () => {
      expect(await dataOf(cluster, 'app')).toEqual({ a: '2' });
      expect(await dataOf(cluster, 'extra')).toBeUndefined();
      expect(await cluster.kubectl('get', 'deployment', 'app', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
    });

    await remove(cluster, 'app.yaml');
    await until(async () => {
      expect(await cluster.kubectl('get', 'deployments,configmaps,pods', '-o', 'name')).not.toContain('app');
      expect(await cluster.kubectl('get', 'addons', '-n', 'kube-system', '-o', 'name')).not.toContain('/app');
    });
  });

  test('may be JSON, and may stand in a folder', async ({ cluster }) => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'from-json' }, data: { k: 'json' } };
    await drop(cluster, 'one.json', JSON.stringify(object));
    await drop(cluster, 'folder/inner/two.yml', configMap('from-folder', { k: 'folder' }));
    await until(async () => {
      expect(await dataOf(cluster, 'from-json')).toEqual({ k: 'json' });
      expect(await dataOf(cluster, 'from-folder')).toEqual({ k: 'folder' });
    });
    await cluster.run(['rm', '-r', `${MANIFESTS}/folder`, `${MANIFESTS}/one.json`]);
    await until(async () => {
      expect(await dataOf(cluster, 'from-json')).toBeUndefined();
      expect(await dataOf(cluster, 'from-folder')).toBeUndefined();
    });
  });

  test('with a broken document is reported, and its other documents are applied', async ({ cluster }) => {
    await drop(cluster, 'broken.yaml', configMap('first', { k: '1' }), configMap('second', { k: '1' }));
    await isReady(cluster, 'broken');
    await drop(cluster, 'broken.yaml', configMap('first', { k: '2' }), 'data: [\n', configMap('third', { k: '2' }));
    await until(async () => {
      expect(await condition(cluster, 'broken')).toMatchObject({ status: 'False', reason: 'ParseManifestFailed' });
    });
    expect((await condition(cluster, 'broken')).message).toMatch(/document 2 \(line \d+, column \d+\)/);
    expect(await dataOf(cluster, 'first')).toEqual({ k: '2' });
    expect(await dataOf(cluster, 'third')).toEqual({ k: '2' });
    // It may be in the part that cannot be read.
    expect(await dataOf(cluster, 'second')).toEqual({ k: '1' });
    await until(async () => expect(await warnings(cluster, 'broken')).toMatch(/^ParseManifestFailed: .*document 2/m));

    await drop(cluster, 'broken.yaml', configMap('first', { k: '3' }));
    await until(async () => expect(await dataOf(cluster, 'second')).toBeUndefined());
    await isReady(cluster, 'broken');
    await remove(cluster, 'broken.yaml');
  });

  test('that the API refuses in part is reported, and the rest is applied', async ({ cluster }) => {
    await drop(
      cluster,
      'refused.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: { name: empty }\n',
      configMap('fine', { k: '1' }),
    );
    await until(async () => {
      expect(await condition(cluster, 'refused')).toMatchObject({ status: 'False', reason: 'ApplyManifestFailed' });
    });
    expect((await condition(cluster, 'refused')).message).toContain('spec.containers: Required value');
    expect(await dataOf(cluster, 'fine')).toEqual({ k: '1' });
    await until(async () => expect(await warnings(cluster, 'refused')).toContain('ApplyManifestFailed'));
    await remove(cluster, 'refused.yaml');
  });

  test('of an unknown kind waits until its kind is there', async ({ cluster }) => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gadgets.example.test' },
      spec: {
        group: 'example.test',
        scope: 'Namespaced',
        names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    await drop(
      cluster,
      'gadget.yaml',
      'apiVersion: example.test/v1\nkind: Gadget\nmetadata: { name: one }\n',
      configMap('beside', {}),
    );
    await until(async () => expect(await condition(cluster, 'gadget')).toMatchObject({ reason: 'KindNotFound' }));
    expect((await condition(cluster, 'gadget')).message).toContain('Gadget');
    await cluster.kubectl('get', 'configmap', 'beside');
    await drop(cluster, 'definition.yaml', JSON.stringify(definition));
    await isReady(cluster, 'gadget');
    await cluster.kubectl('get', 'gadget', 'one');
    await remove(cluster, 'gadget.yaml');
    await until(async () => expect(await cluster.kubectl('get', 'gadgets', '-o', 'name')).toBe(''));
    await remove(cluster, 'definition.yaml');
    await until(async () =>
      expect((await cluster.exec('kubectl get crd gadgets.example.test')).stderr).toContain('NotFound'),
    );
  });

  test('that is no YAML, no text or too large is reported', async ({ cluster }) => {
    await drop(cluster, 'prose.yaml', 'This is: not: a manifest\n');
    await cluster.run(`head -c 1000 /dev/urandom > ${MANIFESTS}/bytes.yaml; truncate -s 11M ${MANIFESTS}/large.yaml`);
    await drop(cluster, 'sound.yaml', configMap('sound', {}));
    await until(async () => {
      expect((await condition(cluster, 'prose')).message).toMatch(/line 1, column \d+/);
      expect((await condition(cluster, 'bytes')).message).toContain('is not UTF-8 text');
      expect((await condition(cluster, 'large')).message).toContain('11.0 MiB, and a manifest may have 10');
      expect(await condition(cluster, 'sound')).toMatchObject({ status: 'True' });
    });
    await cluster.run(`cd ${MANIFESTS}; rm prose.yaml bytes.yaml large.yaml sound.yaml`);
  });

  test('is left alone while a .skip file stands beside it', async ({ cluster }) => {
    await cluster.run(`touch ${MANIFESTS}/held.yaml.skip`);
    await drop(cluster, 'held.yaml', configMap('held', { k: '1' }));
    await drop(cluster, 'later.yaml', configMap('later', {}));
    await until(async () => expect(await dataOf(cluster, 'later')).toEqual({}));
    expect(await dataOf(cluster, 'held')).toBeUndefined();
    await remove(cluster, 'held.yaml.skip');
    await until(async () => expect(await dataOf(cluster, 'held')).toEqual({ k: '1' }));
    await cluster.run(`cd ${MANIFESTS}; rm held.yaml later.yaml`);
  });

  test('brings its Addon back when somebody deletes that', async ({ cluster }) => {
    await drop(cluster, 'kept.yaml', configMap('kept', { k: '1' }));
    await isReady(cluster, 'kept');
    await cluster.kubectl('delete', 'addon', '-n', 'kube-system', 'kept');
    await until(async () => {
      expect(await condition(cluster, 'kept')).toMatchObject({ status: 'True' });
      expect(await dataOf(cluster, 'kept')).toEqual({ k: '1' });
    });
    await remove(cluster, 'kept.yaml');
  });
});

describe('the next start', () => {
  test('sees what changed in the directory, and which packaged components are not wanted any more', async ({
    cluster,
  }) => {
    await drop(cluster, 'removed.yaml', configMap('removed', {}));
    await drop(cluster, 'changed.yaml', configMap('changed', { k: '1' }));
    await isReady(cluster, 'removed');
    await isReady(cluster, 'changed');
    await cluster.kubectl('get', 'deployment', '-n', 'kube-system', 'coredns');
    expect(await cluster.server.end()).toBe(0);

    await remove(cluster, 'removed.yaml');
    await drop(cluster, 'changed.yaml', configMap('changed', { k: '2' }));
    await cluster.start({ args: ['--disable=coredns'] });
    await until(async () => {
      expect(await dataOf(cluster, 'removed')).toBeUndefined();
      expect(await dataOf(cluster, 'changed')).toEqual({ k: '2' });
      const left = ['deployments', 'services', 'configmaps', 'serviceaccounts', 'addons'].join(',');
      const names = await cluster.kubectl('get', left, '-n', 'kube-system', '-o', 'name');
      expect(names).not.toMatch(/\/(coredns|kube-dns)$/m);
      expect(names).toContain('/rolebindings');
    });
    expect(await cluster.exec(['test', '-e', `${MANIFESTS}/coredns.yaml`])).toMatchObject({ code: 1 });
  });
});
