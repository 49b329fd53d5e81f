import { describe, expect, test } from 'vitest';
import {
  ConfigMaps,
  CustomResourceDefinitions,
  Deployments,
  Namespaces,
  Secrets,
  type ConfigMap,
} from '../../src/cluster/kinds.ts';
import type { KubernetesObject, ObjectRef } from '../../src/cluster/object.ts';
import { defineResource } from '../../src/cluster/resource.ts';
import type { AppliedSet, ApplySetOptions } from '../../src/framework/context.ts';
import { defineController } from '../../src/framework/controller.ts';
import { done } from '../../src/framework/outcome.ts';
import { membershipOf } from '../../src/framework/set-membership.ts';
import { harness, type Harness } from '../../src/framework/testing/harness.ts';

const RECORD = 'addon.k3s.cattle.io/gvks';
const HASH = 'objectset.rio.cattle.io/hash';

const Addons = defineResource<KubernetesObject>({
  group: 'k3s.cattle.io',
  version: 'v1',
  kind: 'Addon',
  plural: 'addons',
  scope: 'Namespaced',
});
const addonRef: ObjectRef = { namespace: 'kube-system', name: 'demo' };
const addon = (): KubernetesObject => ({
  apiVersion: 'k3s.cattle.io/v1',
  kind: 'Addon',
  metadata: { ...addonRef, finalizers: ['test/addon'] },
});
const hash = membershipOf(addon(), '').hash;

const configMap = (name: string, data: Record<string, string> = {}, metadata = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ...metadata },
  data,
});
const deployment = (name: string, app: string): KubernetesObject & { spec: object } => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'pause' }] } },
  },
});
const crontabs = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crontabs.test.k3s.io' },
  spec: {
    group: 'test.k3s.io',
    scope: 'Namespaced',
    names: { kind: 'CronTab', plural: 'crontabs', singular: 'crontab' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
} as const;
const CronTabs = defineResource<KubernetesObject>({
  group: 'test.k3s.io',
  version: 'v1',
  kind: 'CronTab',
  plural: 'crontabs',
  scope: 'Namespaced',
});
const crontab: KubernetesObject = {
  apiVersion: 'test.k3s.io/v1',
  kind: 'CronTab',
  metadata: { name: 'tab', namespace: 'default' },
};

/** A controller that applies what the test wants at that moment. */
class Deployer {
  objects: KubernetesObject[] = [];
  options: ApplySetOptions = {};
  readonly applied: AppliedSet[] = [];

  get last(): AppliedSet {
    const last = this.applied.at(-1);
    if (last === undefined) throw new Error('nothing has been applied');
    return last;
  }

  readonly controller = defineController<KubernetesObject, Deployer>({
    name: 'addon',
    for: Addons,
    groupKindsAnnotation: RECORD,
    finalizer: 'test/addon',
    predicate: () => false,
    async reconcile(ctx) {
      const applied = await ctx.apply(ctx.deps.objects, ctx.deps.options);
      ctx.deps.applied.push(applied);
      applied.throwIfFailed();
      return done();
    },
    async cleanup(ctx) {
      ctx.deps.applied.push(await ctx.apply([], ctx.deps.options));
      return done();
    },
  });
}

async function start(objects: KubernetesObject[], options: ApplySetOptions = {}, existing: KubernetesObject[] = []) {
  const deployer = new Deployer();
  deployer.objects = objects;
  deployer.options = options;
  const t = await harness(deployer.controller, { deps: deployer, objects: [addon(), ...existing] });
  return { t, deployer };
}

/** Has the set applied again, with other objects. */
async function reapply(t: Harness, deployer: Deployer, objects: KubernetesObject[], options?: ApplySetOptions) {
  deployer.objects = objects;
  if (options !== undefined) deployer.options = options;
  await t.advance(12 * 3_600_000);
}

const names = (t: Harness): string[] =>
  t.cluster.objects(ConfigMaps, 'default').map(({ metadata }) => metadata.name ?? '');
const recorded = (t: Harness): string | undefined => t.cluster.object(Addons, addonRef)?.metadata.annotations?.[RECORD];
const actions = ({ results }: AppliedSet): string[] =>
  results.map(({ desired, action }) => `${desired.kind} ${desired.metadata.name} ${action}`);
const codes = ({ failures }: AppliedSet): string[] =>
  failures.map(({ object, error }) => `${object.kind} ${object.name} ${error.code}`);

describe('an apply set', () => {
  test('creates its objects, marks them as k3s does, and answers with what is live', async () => {
    const wanted = configMap('a', { x: '1' });
    const { t, deployer } = await start([wanted]);
    await using _ = t;
    const live = t.cluster.object(ConfigMaps, { namespace: 'default', name: 'a' });
    expect(live?.metadata.labels).toEqual({ [HASH]: hash });
    expect(live?.metadata.annotations).toEqual(membershipOf(addon(), '').annotations);
    expect(live?.metadata.ownerReferences).toBeUndefined();
    expect(deployer.applied[0]?.get(wanted)?.metadata.uid).toBe(live?.metadata.uid);
    expect(deployer.applied[0]?.get(configMap('a'))).toBeUndefined();
    expect(actions(deployer.applied[0] as AppliedSet)).toEqual(['ConfigMap a created']);
  });

  test('tells created, updated and unchanged apart', async () => {
    const { t, deployer } = await start([configMap('a', { x: '1' }), configMap('b')]);
    await using _ = t;
    await reapply(t, deployer, [configMap('a', { x: '2' }), configMap('b')]);
    expect(actions(deployer.last)).toEqual(['ConfigMap a updated', 'ConfigMap b unchanged']);
  });

  test('writes nothing but the applies when nothing has changed', async () => {
    const { t, deployer } = await start([configMap('a')]);
    await using _ = t;
    const before = t.cluster.resourceVersion;
    await reapply(t, deployer, [configMap('a')]);
    expect(t.cluster.resourceVersion).toBe(before);
  });

  test('deletes what it held before and is not desired any more, fields as well as objects', async () => {
    const { t, deployer } = await start([configMap('a', { x: '1', y: '1' }), configMap('b')]);
    await using _ = t;
    await reapply(t, deployer, [configMap('a', { x: '1' })]);
    expect(t.cluster.object(ConfigMaps, { namespace: 'default', name: 'a' })?.data).toEqual({ x: '1' });
    expect(names(t)).toEqual(['a']);
    expect(deployer.last.pruned).toEqual([{ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'b' }]);
  });

  test('deletes objects of a kind of which it holds none any more, and in other namespaces', async () => {
    const elsewhere = configMap('b', {}, { namespace: 'kube-system' });
    const { t, deployer } = await start([deployment('web', 'web'), elsewhere]);
    await using _ = t;
    expect(recorded(t)).toBe('apps/v1, Kind=Deployment;/v1, Kind=ConfigMap');
    await reapply(t, deployer, [configMap('a')]);
    expect(t.cluster.objects(Deployments)).toEqual([]);
    expect(t.cluster.objects(ConfigMaps, 'kube-system')).toEqual([]);
    expect(recorded(t)).toBe('/v1, Kind=ConfigMap');
  });

  test('goes as a whole when its owner does, by what was recorded and not by what is desired', async () => {
    const { t, deployer } = await start([configMap('a'), deployment('web', 'web')]);
    await using _ = t;
    deployer.objects = [];
    t.cluster.remove(Addons, addonRef);
    await t.settle();
    expect(t.cluster.objects(Deployments)).toEqual([]);
    expect(names(t)).toEqual([]);
    expect(t.cluster.object(Addons, addonRef)).toBeUndefined();
  });

  test('records a kind before it creates the first object of it', async () => {
    const { t } = await start([configMap('a')]);
    await using _ = t;
    const writes = t.cluster.calls.filter(({ verb }) => verb === 'patch' || verb === 'apply');
    expect(writes.map(({ verb, target }) => `${verb} ${target}`)).toEqual([
      'patch addons.k3s.cattle.io',
      'apply configmaps',
    ]);
  });

  test('creates nothing when the record cannot be written', async () => {
    const deployer = new Deployer();
    deployer.objects = [configMap('a')];
    await using t = await harness(deployer.controller, { deps: deployer });
    t.cluster.fault({ verb: 'patch', resource: Addons, status: 500 });
    t.cluster.load(addon());
    await t.settle();
    expect(names(t)).toEqual([]);
    expect(t.records[0]?.result).toMatchObject({ type: 'failed' });
    await t.advance(1000);
    expect(names(t)).toEqual(['a']);
  });

  test('finds what a run made that ended in the middle', async () => {
    const deployer = new Deployer();
    deployer.objects = [configMap('a'), configMap('b')];
    await using t = await harness(deployer.controller, { deps: deployer });
    t.cluster.fault({ verb: 'apply', resource: ConfigMaps, name: 'b', status: 'network' });
    t.cluster.load(addon());
    await t.settle();
    deployer.objects = [configMap('b')];
    await t.advance(1000);
    expect(names(t)).toEqual(['b']);
  });

  test('leaves objects that ask to outlive it, and those of others', async () => {
    const { t, deployer } = await start(
      [configMap('keep', {}, { labels: { 'objectset.rio.cattle.io/prune': 'false' } }), configMap('drop')],
      {},
      [configMap('foreign')],
    );
    await using _ = t;
    await reapply(t, deployer, []);
    expect(names(t)).toEqual(['foreign', 'keep']);
  });

  test('does not prune when told not to', async () => {
    const { t, deployer } = await start([configMap('a'), configMap('b')]);
    await using _ = t;
    await reapply(t, deployer, [configMap('a')], { prune: false });
    expect(names(t)).toEqual(['a', 'b']);
    await reapply(t, deployer, [configMap('a')], {});
    expect(names(t)).toEqual(['a']);
  });

  test('does not prune what is desired and could not be applied', async () => {
    const { t, deployer } = await start([configMap('a', { x: '1' }), configMap('b')]);
    await using _ = t;
    t.cluster.fault({ verb: 'apply', name: 'a', status: 422, times: 1000 });
    await reapply(t, deployer, [configMap('a', { x: '2' })]);
    expect(names(t)).toEqual(['a']);
    expect(codes(deployer.last)).toEqual(['ConfigMap a K3S_API_REQUEST']);
  });

  test('applies the others when one object fails, and retries until all are well', async () => {
    const deployer = new Deployer();
    deployer.objects = [configMap('a'), configMap('b'), configMap('c')];
    await using t = await harness(deployer.controller, { deps: deployer });
    t.cluster.fault({ verb: 'apply', name: 'b', status: 500 });
    t.cluster.load(addon());
    await t.settle();
    expect(names(t)).toEqual(['a', 'c']);
    expect(t.records[0]?.result).toMatchObject({
      code: 'K3S_APPLY_INCOMPLETE',
      error: { message: expect.stringMatching(/^ConfigMap default\/b: .*injected 500/) },
    });
    expect(deployer.applied[0]?.get(deployer.objects[1] as KubernetesObject)).toBeUndefined();
    await t.advance(1000);
    expect(names(t)).toEqual(['a', 'b', 'c']);
  });

  test('notes what could not be deleted and tries again', async () => {
    const { t, deployer } = await start([configMap('a'), configMap('b')]);
    await using _ = t;
    t.cluster.fault({ verb: 'delete', status: 500 });
    deployer.objects = [];
    await t.advance(12 * 3_600_000);
    expect(deployer.applied.map(codes)).toContainEqual(['ConfigMap a K3S_API_REQUEST']);
    expect(names(t)).toEqual([]);
    expect(recorded(t)).toBeUndefined();
  });

  test('notes a kind whose members cannot be listed, and keeps it recorded', async () => {
    const { t, deployer } = await start([configMap('a'), deployment('web', 'web')]);
    await using _ = t;
    t.cluster.fault({ verb: 'list', resource: Deployments, status: 500, times: 1000 });
    await reapply(t, deployer, [configMap('a')]);
    expect(codes(deployer.last)).toEqual(['Deployment * K3S_API_REQUEST']);
    expect(recorded(t)).toContain('Deployment');
  });

  test('refuses an existing object that is not its own, unless it is told to adopt', async () => {
    const { t, deployer } = await start([configMap('a', { x: 'ours' }), configMap('b')], {}, [
      configMap('a', { x: 'theirs', y: 'theirs' }),
    ]);
    await using _ = t;
    expect(codes(deployer.last)).toEqual(['ConfigMap a K3S_APPLY_NOT_OURS']);
    expect(deployer.last.failures[0]?.error.message).toContain(
      'ConfigMap default/a exists already and belongs to nobody',
    );
    expect(t.cluster.object(ConfigMaps, { namespace: 'default', name: 'a' })?.data).toEqual({
      x: 'theirs',
      y: 'theirs',
    });
    deployer.options = { adopt: true };
    await t.advance(600_000);
    expect(actions(deployer.last)).toEqual(['ConfigMap a updated', 'ConfigMap b unchanged']);
    expect(t.cluster.object(ConfigMaps, { namespace: 'default', name: 'a' })).toMatchObject({
      metadata: { labels: { [HASH]: hash } },
      data: { x: 'ours', y: 'theirs' },
    });
  });

  test('names the set that an object belongs to', async () => {
    const other = membershipOf({ ...addon(), metadata: { ...addonRef, name: 'other' } }, '');
    const theirs = configMap('a', {}, { labels: { ...other.labels }, annotations: { ...other.annotations } });
    const { t, deployer } = await start([configMap('a')], {}, [theirs]);
    await using _ = t;
    expect(deployer.last.failures[0]?.error.message).toContain('belongs to Addon kube-system/other');
  });

  test('blocks only the objects of a kind that the server does not know, and creates them as soon as it does', async () => {
    const { t, deployer } = await start([crontab, configMap('a')]);
    await using _ = t;
    expect(codes(deployer.last)).toEqual(['CronTab tab K3S_APPLY_UNKNOWN_KIND']);
    expect(names(t)).toEqual(['a']);
    await t.advance(3_600_000);
    const runs = t.records.length;
    t.cluster.load(crontabs);
    await t.settle();
    expect(t.records.length).toBeGreaterThan(runs);
    expect(t.cluster.objects(CronTabs)).toHaveLength(1);
  });

  test('applies definitions and namespaces first, and the objects of a kind that it defines by a retry', async () => {
    const inNew = configMap('inner', {}, { namespace: 'new' });
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } };
    const { t, deployer } = await start([crontab, inNew, crontabs, namespace]);
    await using _ = t;
    await t.advance(5000);
    expect(codes(deployer.last)).toEqual([]);
    expect(t.cluster.objects(CronTabs)).toHaveLength(1);
    expect(t.cluster.object(ConfigMaps, { namespace: 'new', name: 'inner' })).toBeDefined();
    const order = t.cluster.calls.filter(({ verb }) => verb === 'apply').map(({ target }) => target);
    expect(order.slice(0, 2)).toEqual(['namespaces', 'customresourcedefinitions.apiextensions.k8s.io']);
    await reapply(t, deployer, []);
    expect(t.cluster.objects(CustomResourceDefinitions)).toEqual([]);
    expect(t.cluster.object(Namespaces, { name: 'new' })).toBeUndefined();
  });

  test('is not wedged by a recorded kind that the server no longer knows', async () => {
    const deployer = new Deployer();
    deployer.objects = [configMap('a')];
    const owner = addon();
    owner.metadata.annotations = { [RECORD]: 'policy/v1beta1, Kind=PodSecurityPolicy;/v1, Kind=Secret' };
    const { labels } = membershipOf(owner, '');
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'default', labels: { ...labels } },
    };
    await using t = await harness(deployer.controller, { deps: deployer, objects: [owner, secret] });
    expect(deployer.last.failures).toEqual([]);
    expect(t.cluster.objects(Secrets)).toEqual([]);
    expect(recorded(t)).toBe('/v1, Kind=ConfigMap;policy/v1beta1, Kind=PodSecurityPolicy');
  });

  test('is not wedged by a kind that has gone without the client knowing', async () => {
    const { t, deployer } = await start([configMap('a'), deployment('web', 'web')]);
    await using _ = t;
    t.cluster.fault({ verb: 'list', resource: Deployments, status: 404, reason: '', times: 1000 });
    t.cluster.fault({ verb: ['get', 'apply'], resource: Deployments, status: 404, reason: '', times: 1000 });
    await reapply(t, deployer, [configMap('a')]);
    expect(codes(deployer.last)).toEqual([]);
    await reapply(t, deployer, [configMap('a'), deployment('web', 'web')]);
    expect(codes(deployer.last)).toEqual(['Deployment web K3S_APPLY_UNKNOWN_KIND']);
  });

  test('puts objects without a namespace where it is told, else beside their owner', async () => {
    const bare: KubernetesObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bare' } };
    const { t, deployer } = await start([bare]);
    await using _ = t;
    expect(t.cluster.object(ConfigMaps, { namespace: 'kube-system', name: 'bare' })).toBeDefined();
    await reapply(t, deployer, [bare], { defaultNamespace: 'default' });
    expect(t.cluster.object(ConfigMaps, { namespace: 'kube-system', name: 'bare' })).toBeUndefined();
    expect(names(t)).toEqual(['bare']);
  });

  test('tells what it would do without doing it', async () => {
    const { t, deployer } = await start([configMap('a', { x: '1' }), configMap('b'), configMap('c')]);
    await using _ = t;
    const before = t.cluster.resourceVersion;
    await reapply(t, deployer, [configMap('a', { x: '2' }), configMap('b'), configMap('d')], { dryRun: true });
    expect(actions(deployer.last)).toEqual(['ConfigMap a updated', 'ConfigMap b unchanged', 'ConfigMap d created']);
    expect(deployer.last.pruned.map(({ name }) => name)).toEqual(['c']);
    expect(t.cluster.resourceVersion).toBe(before);
  });

  test('keeps several sets of one owner apart', async () => {
    const controller = defineController<KubernetesObject>({
      name: 'addon',
      for: Addons,
      async reconcile(ctx) {
        (await ctx.apply([configMap('install')])).throwIfFailed();
        (await ctx.apply([configMap('first')], { set: 'uninstall' })).throwIfFailed();
        (await ctx.apply([configMap('second')], { set: 'uninstall' })).throwIfFailed();
        return done();
      },
    });
    await using t = await harness(controller, { objects: [addon()] });
    expect(names(t)).toEqual(['install', 'second']);
    expect(t.cluster.object(Addons, addonRef)?.metadata.annotations).toEqual({
      'objectset.rio.cattle.io/group-kinds': '/v1, Kind=ConfigMap',
      'objectset.rio.cattle.io/group-kinds.uninstall': '/v1, Kind=ConfigMap',
    });
  });

  test('makes its owner the controller of objects in the same namespace, where that is asked for', async () => {
    const here = configMap('here', {}, { namespace: 'kube-system' });
    const { t } = await start([here, configMap('there')], { ownerReference: true });
    await using _ = t;
    const uid = t.cluster.object(Addons, addonRef)?.metadata.uid;
    expect(t.cluster.object(ConfigMaps, { namespace: 'kube-system', name: 'here' })?.metadata.ownerReferences).toEqual([
      { apiVersion: 'k3s.cattle.io/v1', kind: 'Addon', name: 'demo', uid, controller: true, blockOwnerDeletion: true },
    ]);
    expect(
      t.cluster.object(ConfigMaps, { namespace: 'default', name: 'there' })?.metadata.ownerReferences,
    ).toBeUndefined();
  });

  test('is put right when others change it, where the controller owns the kind', async () => {
    const controller = defineController<KubernetesObject>({
      name: 'addon',
      for: Addons,
      owns: [ConfigMaps],
      async reconcile(ctx) {
        (await ctx.apply([configMap('a', { x: '1' })])).throwIfFailed();
        return done();
      },
    });
    await using t = await harness(controller, { objects: [addon()] });
    const where = { namespace: 'default', name: 'a' };
    t.cluster.edit(ConfigMaps, where, (object) => {
      object.data = { x: '2', y: '1' };
    });
    await t.settle();
    expect(t.cluster.object(ConfigMaps, where)?.data).toEqual({ x: '1', y: '1' });
    t.cluster.remove(ConfigMaps, where);
    await t.settle();
    expect(names(t)).toEqual(['a']);
  });

  test('stops in the middle when its run is aborted', async () => {
    const deployer = new Deployer();
    deployer.objects = [configMap('a'), configMap('b')];
    const t = await harness(deployer.controller, { deps: deployer });
    t.cluster.fault({ verb: 'apply', name: 'a', delay: 3_600_000 });
    t.cluster.load(addon());
    await t.settle();
    await t[Symbol.asyncDispose]();
    expect(names(t)).toEqual([]);
    expect(t.records.at(-1)?.result).toMatchObject({ code: 'K3S_CONTROLLER_STOPPED' });
    expect(deployer.applied).toEqual([]);
  });
});
