import { Observable, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { ConfigMaps, type ConfigMap } from '../../src/cluster/kinds.ts';
import type { KubernetesObject, ObjectRef } from '../../src/cluster/object.ts';
import { defineResource } from '../../src/cluster/resource.ts';
import { defineController, watches, type ControllerDefinition } from '../../src/framework/controller.ts';
import { done } from '../../src/framework/outcome.ts';
import { everyKey, type EveryKey } from '../../src/framework/source.ts';
import { harness, type Harness } from '../../src/framework/testing/harness.ts';

interface Widget extends KubernetesObject {
  spec: { size: number };
}

const Widgets = defineResource<Widget>({
  group: 'test.k3s.io',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  scope: 'Namespaced',
});

const widget = (name: string, metadata: Partial<Widget['metadata']> = {}): Widget => ({
  apiVersion: 'test.k3s.io/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { size: 1 },
});

const configMap = (name: string, metadata: Partial<ConfigMap['metadata']> = {}, data = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ...metadata },
  data,
});

const ref = (name: string): ObjectRef => ({ namespace: 'default', name });
const causesOf = (t: Harness): string[] =>
  t.records.map(({ key, causes }) => `${key}: ${causes.map(({ source, change }) => `${source} ${change}`).join(', ')}`);

/** A controller that does nothing, with `definition` on top. */
const idle = (definition: Partial<ControllerDefinition<Widget, void>> = {}) =>
  defineController<Widget>({ name: 'widget', for: Widgets, reconcile: async () => done(), ...definition });

describe('a controller of a Kubernetes kind', () => {
  test('reconciles every object that is there at the start, and each one again when it changes', async () => {
    const seen: string[] = [];
    const controller = idle({
      async reconcile(_, object) {
        seen.push(`${object.metadata.name} ${object.spec.size}`);
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a'), widget('b')] });
    t.cluster.edit(Widgets, ref('b'), (object) => {
      object.spec.size = 2;
    });
    await t.settle();
    expect(seen).toEqual(['a 1', 'b 1', 'b 2']);
  });

  test('lets what changes go before what was there at the start', async () => {
    const controller = idle({
      async reconcile(ctx) {
        await ctx.clock.sleep(1000, ctx.signal);
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a'), widget('b'), widget('c')] });
    t.cluster.load(widget('new'));
    await t.advance(2000);
    expect(t.records.map(({ key }) => key)).toEqual(['default/a', 'default/new']);
  });

  test('reconciles only for the changes that its predicate lets through, but always for the first sight', async () => {
    const controller = idle({
      predicate: ({ object, previous }) => object.spec.size !== previous?.spec.size,
    });
    await using t = await harness(controller, { objects: [widget('a')] });
    t.cluster.edit(Widgets, ref('a'), (object) => {
      object.metadata.labels = { changed: 'true' };
    });
    await t.settle();
    expect(t.records).toHaveLength(1);
    t.cluster.edit(Widgets, ref('a'), (object) => {
      object.spec.size = 2;
    });
    await t.settle();
    expect(t.records).toHaveLength(2);
  });

  test('forgets an object that is deleted without calling reconcile', async () => {
    let runs = 0;
    const controller = idle({
      predicate: () => false,
      reconcile: async () => {
        runs++;
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a')] });
    t.cluster.remove(Widgets, ref('a'));
    await t.settle();
    expect(runs).toBe(1);
    expect(t.explain('default/a')).toBeUndefined();
    expect(t.clock.pendingTimers).toBeLessThanOrEqual(3);
  });

  test('does not reconcile an object that is being deleted', async () => {
    let runs = 0;
    const controller = idle({
      reconcile: async () => {
        runs++;
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a', { finalizers: ['test/other'] })] });
    t.cluster.remove(Widgets, ref('a'));
    await t.settle();
    expect(runs).toBe(1);
    expect(t.records).toHaveLength(2);
  });

  test('sees only its namespace and its selector', async () => {
    const controller = idle({ namespace: 'default', selector: 'app=ours' });
    const labels = { app: 'ours' };
    await using t = await harness(controller, {
      objects: [widget('a', { labels }), widget('b'), widget('c', { labels, namespace: 'kube-system' })],
    });
    expect(t.records.map(({ key }) => key)).toEqual(['default/a']);
  });

  test('reconciles an owner when what it owns changes or goes, known by owner reference or by apply set', async () => {
    await using t = await harness(idle({ owns: [ConfigMaps] }), { objects: [widget('a'), widget('b')] });
    const uid = t.cluster.object(Widgets, ref('a'))?.metadata.uid ?? '';
    const ownerReferences = [{ apiVersion: 'test.k3s.io/v1', kind: 'Widget', name: 'a', uid }];
    t.cluster.load(configMap('by-reference', { ownerReferences }));
    await t.settle();
    t.cluster.load(
      configMap('by-set', {
        namespace: 'kube-system',
        annotations: {
          'objectset.rio.cattle.io/owner-gvk': 'test.k3s.io/v1, Kind=Widget',
          'objectset.rio.cattle.io/owner-name': 'b',
          'objectset.rio.cattle.io/owner-namespace': 'default',
        },
      }),
      configMap('of-another-kind', {
        ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'a', uid: 'x' }],
      }),
    );
    await t.settle();
    t.cluster.remove(ConfigMaps, { namespace: 'kube-system', name: 'by-set' });
    await t.settle();
    expect(causesOf(t)).toEqual([
      'default/a: Widget.test.k3s.io listed',
      'default/b: Widget.test.k3s.io listed',
      'default/a: ConfigMap added',
      'default/b: ConfigMap added',
      'default/b: ConfigMap deleted',
    ]);
  });

  test('reconciles the former owner too when an object changes hands', async () => {
    await using t = await harness(idle({ owns: [ConfigMaps] }), { objects: [widget('a'), widget('b')] });
    const reference = (name: string) => [
      {
        apiVersion: 'test.k3s.io/v1',
        kind: 'Widget',
        name,
        uid: t.cluster.object(Widgets, ref(name))?.metadata.uid ?? '',
      },
    ];
    t.cluster.load(configMap('x', { ownerReferences: reference('a') }));
    await t.settle();
    t.cluster.edit(ConfigMaps, ref('x'), (object) => {
      object.metadata.ownerReferences = reference('b');
    });
    await t.settle();
    expect(causesOf(t).slice(3)).toEqual(['default/a: ConfigMap updated', 'default/b: ConfigMap updated']);
  });

  test('reconciles what a watched kind maps to, for the old and the new state of an object', async () => {
    const controller = idle({
      watches: [
        watches(ConfigMaps, (object) => [ref(object.metadata.labels?.['widget'] ?? 'none')], {
          predicate: ({ object }) => object.metadata.name !== 'ignored',
        }),
      ],
    });
    await using t = await harness(controller, { objects: [widget('a'), widget('b')] });
    t.cluster.load(configMap('x', { labels: { widget: 'a' } }), configMap('ignored', { labels: { widget: 'b' } }));
    await t.settle();
    t.cluster.edit(ConfigMaps, ref('x'), (object) => {
      object.metadata.labels = { widget: 'b' };
    });
    await t.settle();
    expect(causesOf(t).slice(2)).toEqual([
      'default/a: ConfigMap added',
      'default/a: ConfigMap updated',
      'default/b: ConfigMap updated',
    ]);
  });

  test('goes on when a map function throws', async () => {
    const controller = idle({
      watches: [
        watches(ConfigMaps, (object) => {
          if (object.metadata.name === 'bad') throw new Error('no such label');
          return [ref('a')];
        }),
      ],
    });
    await using t = await harness(controller, { objects: [widget('a')] });
    t.cluster.load(configMap('bad'), configMap('good'));
    await t.settle();
    expect(causesOf(t).slice(1)).toEqual(['default/a: ConfigMap added']);
  });

  test('reconciles the keys that triggers name, and all for everyKey', async () => {
    const triggers = new Subject<ObjectRef | string | EveryKey>();
    const controller = idle({ triggers: () => triggers });
    await using t = await harness(controller, { objects: [widget('a'), widget('b')] });
    triggers.next(ref('b'));
    await t.settle();
    triggers.next('default/a');
    await t.settle();
    triggers.next(everyKey);
    await t.settle();
    expect(t.records.slice(2).map(({ key }) => key)).toEqual(['default/b', 'default/a', 'default/a', 'default/b']);
  });

  test('subscribes again to triggers that fail', async () => {
    let subscriptions = 0;
    const triggers = [new Subject<string>(), new Subject<string>()];
    const controller = idle({ triggers: () => triggersOf() });
    const triggersOf = () => new Observable<string>((subscriber) => triggers[subscriptions++]?.subscribe(subscriber));
    await using t = await harness(controller, { objects: [widget('a')] });
    triggers[0]?.error(new Error('broken'));
    await t.advance(5000);
    triggers[1]?.next('default/a');
    await t.settle();
    expect(causesOf(t).slice(1)).toEqual(['default/a: trigger triggered']);
  });

  test('reads what it reads from the cache, and runs again when that appears, changes or goes', async () => {
    const seen: unknown[] = [];
    const controller = idle({
      async reconcile(ctx) {
        const config = await ctx.read(ConfigMaps, ref('config'));
        seen.push(config?.data?.['n']);
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a')] });
    t.cluster.load(configMap('config', {}, { n: '1' }), configMap('other'));
    await t.settle();
    t.cluster.edit(ConfigMaps, ref('config'), (object) => {
      object.data = { n: '2' };
    });
    await t.settle();
    t.cluster.remove(ConfigMaps, ref('config'));
    await t.settle();
    expect(seen).toEqual([undefined, '1', '2', undefined]);
  });

  test('lists from the cache by namespace and labels, and runs again when the list would change', async () => {
    const seen: string[][] = [];
    const controller = idle({
      async reconcile(ctx) {
        const found = await ctx.list(ConfigMaps, { namespace: 'default', labels: { app: 'x' } });
        seen.push(found.map(({ metadata }) => metadata.name ?? '').sort());
        return done();
      },
    });
    const labels = { app: 'x' };
    await using t = await harness(controller, { objects: [widget('a'), configMap('one', { labels })] });
    t.cluster.load(configMap('no-label'), configMap('elsewhere', { labels, namespace: 'kube-system' }));
    await t.settle();
    t.cluster.load(configMap('two', { labels }));
    await t.settle();
    t.cluster.edit(ConfigMaps, ref('one'), (object) => {
      object.metadata.labels = {};
    });
    await t.settle();
    expect(seen).toEqual([['one'], ['one', 'two'], ['two']]);
  });

  test('tells apart what it owns', async () => {
    const seen: unknown[] = [];
    const controller = idle({
      owns: [ConfigMaps],
      async reconcile(ctx, object) {
        const owned = await ctx.owned(ConfigMaps);
        seen.push([object.metadata.name, owned.map(({ metadata }) => metadata.name)]);
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a'), widget('b')] });
    const uid = t.cluster.object(Widgets, ref('a'))?.metadata.uid ?? '';
    t.cluster.load(
      configMap('x', { ownerReferences: [{ apiVersion: 'test.k3s.io/v1', kind: 'Widget', name: 'a', uid }] }),
    );
    await t.settle();
    expect(seen).toEqual([
      ['a', []],
      ['b', []],
      ['a', ['x']],
    ]);
  });

  test('reads past the cache where it asks to', async () => {
    const seen: unknown[] = [];
    const controller = idle({
      async reconcile(ctx) {
        seen.push((await ctx.readLive(ConfigMaps, ref('x')))?.metadata.name, await ctx.readLive(ConfigMaps, ref('y')));
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a'), configMap('x')] });
    expect(seen).toEqual(['x', undefined]);
    t.cluster.remove(ConfigMaps, ref('x'));
    await t.settle();
    expect(t.records).toHaveLength(1);
  });

  test('fails a run that reads a kind which the server does not have, and recovers when it does', async () => {
    const Gadgets = defineResource<KubernetesObject>({ ...Widgets, kind: 'Gadget', plural: 'gadgets' });
    const controller = idle({
      async reconcile(ctx) {
        await ctx.list(Gadgets);
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget('a')] });
    expect(t.records[0]?.result).toMatchObject({ code: 'K3S_CONTROLLER_CACHE', retry: true });
    t.cluster.declare(Gadgets);
    await t.advance(600_000);
    expect(t.records.at(-1)?.result).toEqual(done());
  });

  test('fails a run that reads a kind which is not listed in time', async () => {
    const controller = idle({
      async reconcile(ctx) {
        await ctx.list(ConfigMaps);
        return done();
      },
    });
    await using t = await harness(controller, {});
    t.cluster.fault({ verb: ['list', 'watch'], resource: ConfigMaps, status: 500, times: 1000 });
    t.cluster.load(widget('a'));
    await t.advance(30_000);
    expect(t.records[0]).toMatchObject({ result: { code: 'K3S_CONTROLLER_CACHE' }, took: 30_000 });
  });

  test('holds no watches, timers or subscriptions after it has stopped', async () => {
    const triggers = new Subject<string>();
    const controller = idle({ owns: [ConfigMaps], triggers: () => triggers });
    const t = await harness(controller, { objects: [widget('a')] });
    expect(t.cluster.openWatches).toBe(2);
    await t[Symbol.asyncDispose]();
    expect([t.cluster.openWatches, t.clock.pendingTimers, triggers.observed]).toEqual([0, 0, false]);
  });
});
