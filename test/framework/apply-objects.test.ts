import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { ConfigMaps, Deployments, Namespaces, type ConfigMap } from '../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../src/cluster/object.ts';
import { applyAll, type AppliedAll, type ApplyAllOptions } from '../../src/framework/apply-objects.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

const where = { namespace: 'default', name: 'web' };
const configMap = (name: string, data: Record<string, string> = {}, metadata = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ...metadata },
  data,
});
const deployment = (app: string): KubernetesObject & { spec: object } => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...where },
  spec: {
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'pause' }] } },
  },
});

/** A cluster and a way to apply to it. */
function make() {
  const cluster = new FakeCluster({ clock: new VirtualClock() });
  const run = new AbortController();
  const apply = (objects: Iterable<KubernetesObject>, options: Partial<ApplyAllOptions> = {}): Promise<AppliedAll> =>
    applyAll(objects, {
      client: cluster,
      signal: run.signal,
      fieldManager: 'ours',
      force: true,
      dryRun: false,
      adopt: false,
      recreate: false,
      membership: undefined,
      defaultNamespace: undefined,
      ownerReferenceFor: () => undefined,
      ...options,
    });
  return { cluster, run, apply };
}

const ends = ({ results }: AppliedAll): string[] =>
  results.map((result) => (result.action === 'failed' ? result.error.code : result.action));

describe('applyAll', () => {
  test('answers in the order given, whatever the order in which it applies', async () => {
    const { cluster, apply } = make();
    const inner = configMap('inner', {}, { namespace: 'new' });
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } };
    const { results } = await apply([inner, configMap('a'), namespace]);
    expect(results.map(({ desired }) => desired.metadata.name)).toEqual(['inner', 'a', 'new']);
    expect(cluster.calls.filter(({ verb }) => verb === 'apply').map(({ target }) => target)).toEqual([
      'namespaces',
      'configmaps',
      'configmaps',
    ]);
  });

  test('deletes and creates again what cannot be changed in place, only where that is asked for', async () => {
    const { cluster, apply } = make();
    await apply([deployment('one')]);
    const uid = cluster.object(Deployments, where)?.metadata.uid;
    expect(ends(await apply([deployment('two')]))).toEqual(['K3S_API_REQUEST']);
    expect(ends(await apply([deployment('two')], { recreate: true, dryRun: true }))).toEqual(['recreated']);
    expect(cluster.object(Deployments, where)?.metadata.uid).toBe(uid);
    expect(ends(await apply([deployment('two')], { recreate: true }))).toEqual(['recreated']);
    const live = cluster.object(Deployments, where);
    expect(live?.metadata.uid).not.toBe(uid);
    expect(live?.spec?.selector).toEqual({ matchLabels: { app: 'two' } });
  });

  test('waits for an object that is to be created again while a finalizer keeps it', async () => {
    const { cluster, apply } = make();
    await apply([deployment('one')]);
    const keepBy = (finalizers: string[]) =>
      cluster.edit(Deployments, where, (object) => {
        object.metadata.finalizers = finalizers;
      });
    keepBy(['test/slow']);
    expect(ends(await apply([deployment('two')], { recreate: true }))).toEqual(['K3S_APPLY_TERMINATING']);
    expect(ends(await apply([deployment('two')], { recreate: true }))).toEqual(['K3S_APPLY_TERMINATING']);
    keepBy([]);
    expect(ends(await apply([deployment('two')], { recreate: true }))).toEqual(['created']);
  });

  test('does not recreate kinds that hold data of their own', async () => {
    const { apply } = make();
    const immutable = (x: string): ConfigMap => ({ ...configMap('a', { x }), immutable: true });
    await apply([immutable('1')]);
    expect(ends(await apply([immutable('2')], { recreate: true }))).toEqual(['K3S_API_REQUEST']);
  });

  test('takes the namespace off objects of a cluster-scoped kind', async () => {
    const { cluster, apply } = make();
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new', namespace: 'default' } };
    expect(ends(await apply([namespace]))).toEqual(['created']);
    expect(cluster.object(Namespaces, { name: 'new' })).toBeDefined();
  });

  test('reports objects without a name or a place, and objects that are given twice', async () => {
    const { cluster, apply } = make();
    const bare = (metadata: KubernetesObject['metadata']): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
    });
    const objects = [
      configMap('a', { x: '1' }),
      configMap('a', { x: '2' }),
      bare({ generateName: 'x-' }),
      bare({ name: 'x' }),
    ];
    expect(ends(await apply(objects))).toEqual(['created', 'K3S_APPLY_OBJECT', 'K3S_APPLY_OBJECT', 'K3S_APPLY_OBJECT']);
    expect(cluster.object(ConfigMaps, { namespace: 'default', name: 'a' })?.data).toEqual({ x: '1' });
  });

  test('ignores what the server fills in, in a manifest that was exported from a cluster', async () => {
    const { apply } = make();
    const exported = configMap(
      'a',
      {},
      { uid: 'x', resourceVersion: '77', managedFields: [], creationTimestamp: null },
    );
    expect(ends(await apply([{ ...exported, status: {} } as KubernetesObject]))).toEqual(['created']);
  });

  test('takes over fields of others by default, and reports a conflict when told not to', async () => {
    const { cluster, apply } = make();
    const theirs = { ...configMap('a', { x: 'theirs' }), metadata: { namespace: 'default', name: 'a' } };
    await cluster.apply(ConfigMaps, theirs, { fieldManager: 'somebody' });
    expect(ends(await apply([configMap('a', { x: 'ours' })], { force: false }))).toEqual(['K3S_API_REQUEST']);
    expect(ends(await apply([configMap('a', { x: 'ours' })]))).toEqual(['updated']);
    expect(cluster.object(ConfigMaps, { namespace: 'default', name: 'a' })?.data).toEqual({ x: 'ours' });
  });

  test('takes what is no error of ours as an unexpected one of the object', async () => {
    const { cluster, apply } = make();
    cluster.resourceFor = () => Promise.reject(new TypeError('not a function'));
    const { results } = await apply([configMap('a')]);
    expect(results).toMatchObject([
      { action: 'failed', error: { code: 'K3S_CONTROLLER_UNEXPECTED', message: 'not a function' } },
    ]);
  });

  test('rejects when its run is aborted', async () => {
    const { cluster, run, apply } = make();
    cluster.fault({ verb: 'apply', name: 'a', status: 500 });
    run.abort(new Error('time is up'));
    await expect(apply([configMap('a'), configMap('b')])).rejects.toThrow('time is up');
  });
});
