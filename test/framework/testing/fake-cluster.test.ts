import { describe, expect, test } from 'vitest';
import { isGone } from '../../../src/cluster/api-error.ts';
import type { ClusterClient, WatchOptions } from '../../../src/cluster/client.ts';
import {
  type ConfigMap,
  ConfigMaps,
  type CustomResourceDefinition,
  CustomResourceDefinitions,
  type Deployment,
  Deployments,
  Namespaces,
  Nodes,
  Secrets,
} from '../../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import { defineResource, type Resource } from '../../../src/cluster/resource.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { settle, VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { FakeCluster } from '../../../src/framework/testing/fake-cluster.ts';

interface Widget extends KubernetesObject {
  spec?: { size?: number };
  status?: { seen?: number };
}

const Widgets = defineResource<Widget>({
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  scope: 'Namespaced',
});

const map = (name: string, data: Record<string, string> = {}, namespace = 'default'): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
const ref = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });
const widget = (name: string, more: Partial<Widget> = {}): Widget => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  ...more,
});

const widgetDefinition = (...versions: string[]): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: versions.map((name, at) => ({
      name,
      served: true,
      storage: at === 0,
      subresources: { status: {} },
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
});

function start(options: { objects?: KubernetesObject[]; controllerDelay?: number; seed?: number } = {}) {
  const clock = new VirtualClock();
  const { objects = [], controllerDelay = 0, seed = 1 } = options;
  return { clock, cluster: new FakeCluster({ clock, objects, controllerDelay, random: seededRandom(seed) }) };
}

/** Collects what a watch says until it ends or fails. */
function listen(cluster: ClusterClient, resource: Resource, options: WatchOptions = {}): string[] {
  const heard: string[] = [];
  const run = async (): Promise<void> => {
    for await (const event of cluster.watch(resource, options))
      heard.push(event.type === 'BOOKMARK' ? 'BOOKMARK' : `${event.type} ${event.object.metadata.name}`);
    heard.push('end');
  };
  void run().catch((error: unknown) => heard.push(`failed: ${error instanceof Error ? error.message : ''}`));
  return heard;
}

describe('faults', () => {
  test('hit as many matching requests as they are told to, and only those', async () => {
    const { cluster } = start({ objects: [map('a'), map('b')] });
    cluster.fault({
      verb: ['get', 'list'],
      resource: ConfigMaps,
      name: 'a',
      namespace: 'default',
      status: 500,
      times: 2,
    });
    await cluster.get(ConfigMaps, ref('b'));
    await cluster.list(ConfigMaps);
    await expect(cluster.get(ConfigMaps, ref('a'))).rejects.toMatchObject({
      status: 500,
      reason: 'InternalError',
      retryable: true,
    });
    await expect(cluster.get(Secrets, ref('a'))).rejects.toMatchObject({ status: 404 });
    await expect(cluster.get(ConfigMaps, { namespace: 'other', name: 'a' })).rejects.toMatchObject({ status: 404 });
    await expect(cluster.get(ConfigMaps, ref('a'))).rejects.toMatchObject({ status: 500 });
    await cluster.get(ConfigMaps, ref('a'));
  });

  test('end when they are disposed', async () => {
    const { cluster } = start({ objects: [map('a')] });
    {
      using _fault = cluster.fault({
        status: 503,
        times: Number.POSITIVE_INFINITY,
        retryAfter: 2_000,
        message: 'later',
        reason: 'Busy',
      });
      await expect(cluster.get(ConfigMaps, ref('a'))).rejects.toMatchObject({
        status: 503,
        reason: 'Busy',
        retryAfter: 2_000,
      });
      await expect(cluster.raw('GET', '/readyz')).rejects.toMatchObject({ status: 503 });
    }
    await cluster.get(ConfigMaps, ref('a'));
  });

  test('before a write leave nothing behind, after it the write has happened', async () => {
    const { cluster } = start();
    cluster.fault({ verb: 'create', status: 'network' });
    await expect(cluster.create(ConfigMaps, map('a'))).rejects.toMatchObject({ code: 'K3S_API_UNREACHABLE' });
    expect(cluster.object(ConfigMaps, ref('a'))).toBeUndefined();
    cluster.fault({ verb: 'create', status: 'network', after: true });
    await expect(cluster.create(ConfigMaps, map('a'))).rejects.toMatchObject({ code: 'K3S_API_UNREACHABLE' });
    expect(cluster.object(ConfigMaps, ref('a'))).toBeDefined();
  });

  test('can be mere delays, in virtual time, which an abort cuts short', async () => {
    const { clock, cluster } = start({ objects: [map('a')] });
    cluster.fault({ verb: 'get', delay: 5_000, times: 2 });
    const slow = cluster.get(ConfigMaps, ref('a'));
    const controller = new AbortController();
    const aborted = cluster.get(ConfigMaps, ref('a'), { signal: controller.signal }).catch((thrown: unknown) => thrown);
    await settle();
    expect(cluster.pending).toBe(2);
    controller.abort('enough');
    expect(await aborted).toBe('enough');
    await clock.advance(4_999);
    expect(cluster.pending).toBe(1);
    await clock.advance(1);
    expect((await slow).metadata.name).toBe('a');
    expect(cluster.pending).toBe(0);
  });

  test('by chance hit the same requests for the same seed', async () => {
    const run = async (seed: number): Promise<string> => {
      const { cluster } = start({ objects: [map('a')], seed });
      cluster.fault({ status: 500, chance: 0.5, times: 1_000 });
      for (let count = 0; count < 40; count++) await cluster.get(ConfigMaps, ref('a')).catch(() => {});
      return cluster.calls.map(({ outcome }) => outcome[0]).join('');
    };
    expect(await run(3)).toBe(await run(3));
    expect(await run(3)).not.toBe(await run(4));
    expect(await run(3)).toMatch(/o.*5|5.*o/);
  });
});

describe('watches under the test’s hand', () => {
  test('end in peace, with a refusal or with a broken connection, of one kind or all', async () => {
    const { cluster } = start();
    const [maps, secrets, namespaces] = [listen(cluster, ConfigMaps), listen(cluster, Secrets), listen(cluster, Nodes)];
    await settle();
    expect(cluster.openWatches).toBe(3);
    cluster.dropWatches({ resource: ConfigMaps });
    cluster.dropWatches({ resource: Secrets, status: 410 });
    await settle();
    expect([maps, secrets, namespaces]).toEqual([['end'], ['failed: GET /api/v1/secrets: injected 410 Expired'], []]);
    cluster.dropWatches({ status: 'network' });
    await settle();
    expect(namespaces).toEqual(['failed: GET /: the fake cluster does not answer']);
    expect(cluster.openWatches).toBe(0);
  });

  test('fall silent and speak again', async () => {
    const { cluster } = start();
    const heard = listen(cluster, ConfigMaps);
    await settle();
    const silence = cluster.holdWatches(ConfigMaps);
    const alsoLater = listen(cluster, ConfigMaps);
    cluster.load(map('a'));
    await settle();
    expect([heard, alsoLater]).toEqual([[], []]);
    silence[Symbol.dispose]();
    await settle();
    expect([heard, alsoLater]).toEqual([['ADDED a'], ['ADDED a']]);
  });

  test('get a bookmark every minute when they ask for it, and end when their time is over', async () => {
    const { clock, cluster } = start();
    const { resourceVersion } = cluster;
    const heard = listen(cluster, ConfigMaps, { resourceVersion, allowWatchBookmarks: true, timeoutSeconds: 150 });
    const without = listen(cluster, ConfigMaps, { resourceVersion });
    await clock.advance(149_999);
    expect([heard, without]).toEqual([['BOOKMARK', 'BOOKMARK'], []]);
    await clock.advance(1);
    expect(heard).toEqual(['BOOKMARK', 'BOOKMARK', 'end']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('cannot begin before a compaction, and a list in pages cannot go on after it', async () => {
    const { cluster } = start({ objects: [map('a'), map('b')] });
    const { resourceVersion } = cluster;
    const page = await cluster.list(ConfigMaps, { limit: 1 });
    cluster.load(map('c'));
    cluster.compact();
    const next = cluster.watch(ConfigMaps, { resourceVersion })[Symbol.asyncIterator]().next();
    expect(isGone(await next.catch((thrown: unknown) => thrown))).toBe(true);
    const more = cluster.list(ConfigMaps, {
      limit: 1,
      ...(page.continue === undefined ? {} : { continue: page.continue }),
    });
    expect(isGone(await more.catch((thrown: unknown) => thrown))).toBe(true);
  });

  test('close when their reader leaves, while it opens and while it waits', async () => {
    const { cluster } = start();
    const opening = cluster.watch(ConfigMaps)[Symbol.asyncIterator]();
    const first = opening.next();
    await opening.return?.();
    expect(await first.catch(() => 'left')).toBe('left');
    const waiting = cluster.watch(ConfigMaps)[Symbol.asyncIterator]();
    const pending = waiting.next().catch(() => 'left');
    await settle();
    await waiting.return?.();
    expect(await pending).toBe('left');
    expect(await waiting.next()).toEqual({ done: true, value: undefined });
    expect(cluster.openWatches).toBe(0);
  });

  test('end when the definition of their kind is deleted', async () => {
    const { cluster } = start({ objects: [widgetDefinition('v1'), widget('a')] });
    const heard = listen(cluster, Widgets);
    await settle();
    cluster.remove(CustomResourceDefinitions, { name: 'widgets.example.com' });
    await settle();
    expect(heard).toEqual(['ADDED a', 'DELETED a', 'end']);
    await expect(cluster.list(Widgets)).rejects.toMatchObject({ status: 404 });
  });
});

describe('the test’s own actions', () => {
  test('load objects with their status and their namespaces, definitions at once', async () => {
    const { cluster } = start({
      objects: [
        widgetDefinition('v1', 'v1beta1'),
        { ...widget('a', { status: { seen: 1 } }), metadata: { name: 'a', namespace: 'new' } },
        { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, status: { phase: 'x' } } as KubernetesObject,
      ],
    });
    expect(cluster.object(Namespaces, { name: 'new' })?.status?.phase).toBe('Active');
    expect(cluster.object(Widgets, { namespace: 'new', name: 'a' })?.status).toEqual({ seen: 1 });
    expect(cluster.objects(Nodes)[0]?.status).toEqual({ phase: 'x' });
    const [beta] = cluster.objects({ ...Widgets, version: 'v1beta1' }, 'new');
    expect(beta?.apiVersion).toBe('example.com/v1beta1');
    expect(cluster.calls).toEqual([]);
    expect(() => cluster.load({ apiVersion: 'unknown/v1', kind: 'Thing', metadata: { name: 'x' } })).toThrow(
      'does not serve unknown/v1 Thing',
    );
  });

  test('edit specification and status like another actor, one after the other', async () => {
    const { cluster } = start();
    cluster.declare(Widgets);
    cluster.load(widget('a', { spec: { size: 1 } }));
    const edited = cluster.edit(Widgets, ref('a'), (object) => {
      object.spec = { size: 2 };
      object.status = { seen: 2 };
    });
    expect(edited).toMatchObject({ spec: { size: 2 }, status: { seen: 2 }, metadata: { generation: 2 } });
    expect(cluster.object(Widgets, ref('a'))).toEqual(edited);
    const untouched = cluster.edit(Widgets, ref('a'), () => {});
    expect(untouched.metadata.resourceVersion).toBe(edited.metadata.resourceVersion);
  });

  test('remove the last finalizer by an edit, and the object is gone', async () => {
    const object = map('a');
    object.metadata.finalizers = ['example.com/x'];
    const { cluster } = start({ objects: [object] });
    cluster.remove(ConfigMaps, ref('a'));
    expect(cluster.object(ConfigMaps, ref('a'))?.metadata.deletionTimestamp).toBe('2026-01-01T00:00:00Z');
    cluster.edit(ConfigMaps, ref('a'), ({ metadata }) => {
      delete metadata.finalizers;
    });
    expect(cluster.object(ConfigMaps, ref('a'))).toBeUndefined();
  });

  test('declare kinds with or without status and schema', async () => {
    const { cluster } = start();
    const schema = {
      type: 'object',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer', default: 7 } } } },
    } as const;
    cluster.declare(Widgets, { status: false, schema });
    const created = await cluster.create(Widgets, widget('a', { spec: {} }));
    expect(created.spec).toEqual({ size: 7 });
    expect(await cluster.resourceFor('example.com/v1', 'Widget')).toEqual({ ...Widgets });
    expect(await cluster.resourceFor('example.com/v2', 'Widget')).toBeUndefined();
    expect(await cluster.resourceFor('v1', 'Widget')).toBeUndefined();
  });

  test('hand out copies: changing them changes nothing', async () => {
    const { cluster } = start({ objects: [map('a', { x: '1' })] });
    for (const object of [
      cluster.object(ConfigMaps, ref('a')),
      await cluster.get(ConfigMaps, ref('a')),
      cluster.objects(ConfigMaps)[0],
    ]) {
      Object.assign(object?.data ?? {}, { x: 'changed' });
    }
    const sent = map('b', { x: '1' });
    const created = cluster.create(ConfigMaps, sent);
    Object.assign(sent.data ?? {}, { x: 'changed' });
    expect((await created).data).toEqual({ x: '1' });
    expect(cluster.object(ConfigMaps, ref('a'))?.data).toEqual({ x: '1' });
  });
});

describe('the cluster’s own controllers', () => {
  const owned = (name: string, owner: KubernetesObject | undefined): ConfigMap => {
    const object = map(name);
    const { uid = '', name: ownerName = '' } = owner?.metadata ?? {};
    object.metadata.ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: ownerName, uid }];
    return object;
  };

  test('act after their delay', async () => {
    const { clock, cluster } = start({ objects: [map('owner')], controllerDelay: 500 });
    await cluster.create(ConfigMaps, owned('dependent', cluster.object(ConfigMaps, ref('owner'))));
    await clock.advance(10_000);
    await cluster.delete(ConfigMaps, ref('owner'));
    await clock.advance(499);
    expect(cluster.object(ConfigMaps, ref('dependent'))).toBeDefined();
    await clock.advance(1);
    expect(cluster.object(ConfigMaps, ref('dependent'))).toBeUndefined();
  });

  test('leave dependents that changed their owner or whose owner is of an unknown kind', async () => {
    const { cluster } = start({ objects: [map('one'), map('two')] });
    await cluster.create(ConfigMaps, owned('dependent', cluster.object(ConfigMaps, ref('one'))));
    const two = cluster.object(ConfigMaps, ref('two'));
    cluster.edit(ConfigMaps, ref('dependent'), ({ metadata }) => {
      metadata.ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'two', uid: two?.metadata.uid ?? '' }];
    });
    const stranger = map('stranger');
    stranger.metadata.ownerReferences = [{ apiVersion: 'unknown/v1', kind: 'Thing', name: 'x', uid: 'y' }];
    await cluster.create(ConfigMaps, stranger);
    await cluster.delete(ConfigMaps, ref('one'));
    await settle();
    expect(cluster.objects(ConfigMaps).map(({ metadata }) => metadata.name)).toEqual(['dependent', 'stranger', 'two']);
  });

  test('empty a namespace with objects of every kind before it goes', async () => {
    const held = map('held', {}, 'busy');
    held.metadata.finalizers = ['example.com/x'];
    const { cluster } = start({
      objects: [
        map('a', {}, 'busy'),
        held,
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'busy' } },
      ],
    });
    await cluster.delete(Namespaces, { name: 'busy' });
    await settle();
    expect(cluster.objects(ConfigMaps, 'busy').map(({ metadata }) => metadata.name)).toEqual(['held']);
    expect(cluster.objects(Secrets, 'busy')).toEqual([]);
    expect(cluster.object(Namespaces, { name: 'busy' })?.status?.phase).toBe('Terminating');
    cluster.edit(ConfigMaps, { namespace: 'busy', name: 'held' }, ({ metadata }) => {
      delete metadata.finalizers;
    });
    await settle();
    expect(cluster.object(Namespaces, { name: 'busy' })).toBeUndefined();
  });
});

describe('what it remembers', () => {
  test('the transcript has every call with its outcome, and what was written where asked for', async () => {
    const { clock, cluster } = start({ objects: [map('a')] });
    const deployment: Deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: 'default' },
    };
    await cluster.get(ConfigMaps, ref('a'));
    await clock.advance(1_500);
    await cluster.list(ConfigMaps, { namespace: 'default', labelSelector: 'a=b' });
    await cluster.create(Deployments, deployment, { dryRun: true }).catch(() => {});
    await cluster.apply(
      ConfigMaps,
      { ...map('b', { x: '1' }), metadata: ref('b') },
      { fieldManager: 'me', force: true },
    );
    await cluster.patch(ConfigMaps, ref('b'), { type: 'merge', body: { data: { x: '2' } } }, { fieldManager: 'you' });
    await cluster.replace(ConfigMaps, map('absent')).catch(() => {});
    await cluster.delete(ConfigMaps, ref('b'), { propagationPolicy: 'Foreground' });
    await cluster.raw('GET', '/version');
    await cluster.raw('GET', '/absent').catch(() => {});
    cluster.fault({ verb: 'list', status: 'network' });
    await cluster.list(Nodes).catch(() => {});
    const events = listen(cluster, ConfigMaps, { resourceVersion: cluster.resourceVersion });
    await settle();
    expect(events).toEqual([]);
    expect(cluster.transcript()).toBe(
      [
        '     0.000s  get configmaps default/a -> ok',
        '     1.500s  list configmaps default [a=b] -> ok',
        '     1.500s  create deployments.apps default/d dry-run -> created',
        '     1.500s  apply configmaps default/b as me force -> created',
        '     1.500s  patch configmaps default/b merge as you -> ok',
        '     1.500s  replace configmaps default/absent -> 404 NotFound',
        '     1.500s  delete configmaps default/b foreground -> ok',
        '     1.500s  raw /version -> ok',
        '     1.500s  raw /absent -> 404',
        '     1.500s  list nodes -> no answer',
        `     1.500s  watch configmaps from ${cluster.resourceVersion} -> ok`,
        '',
      ].join('\n'),
    );
    expect(cluster.transcript({ verbs: ['patch'], bodies: true })).toBe(
      [
        '     1.500s  patch configmaps default/b merge as you -> ok',
        '             data:',
        "               x: '2'",
        '',
      ].join('\n'),
    );
  });

  test('names and uids are the same for the same seed', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const { cluster } = start({ seed });
      const created = await cluster.create(ConfigMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'default', generateName: 'g-' },
      });
      return [created.metadata.name, created.metadata.uid];
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  test('calls with an aborted signal are not carried out', async () => {
    const { cluster } = start();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(cluster.create(ConfigMaps, map('a'), { signal })).rejects.toThrow('enough');
    await expect(cluster.watch(ConfigMaps, { signal })[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
    expect(cluster.object(ConfigMaps, ref('a'))).toBeUndefined();
    expect(cluster.calls.map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted']);
  });
});

test('sub-resources that it does not serve are refused plainly', async () => {
  const { cluster } = start({ objects: [map('a')] });
  await expect(cluster.replace(ConfigMaps, map('a'), { subresource: 'scale' })).rejects.toMatchObject({ status: 400 });
});

test('apply needs a manager, no record of managers, and an existing object where it names a uid', async () => {
  const { cluster } = start();
  const apply = (metadata: object, fieldManager = 'me') =>
    cluster.apply(
      ConfigMaps,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...ref('a'), ...metadata } },
      { fieldManager },
    );
  await expect(apply({}, '')).rejects.toMatchObject({ status: 400 });
  await expect(apply({ managedFields: [{}] })).rejects.toMatchObject({ status: 400 });
  await expect(apply({ uid: 'another' })).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
});
