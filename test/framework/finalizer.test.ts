import { describe, expect, test } from 'vitest';
import { ConfigMaps } from '../../src/cluster/kinds.ts';
import type { KubernetesObject, ObjectRef } from '../../src/cluster/object.ts';
import { defineResource } from '../../src/cluster/resource.ts';
import { defineController, type ControllerDefinition } from '../../src/framework/controller.ts';
import { done, requeue, waitFor } from '../../src/framework/outcome.ts';
import { harness } from '../../src/framework/testing/harness.ts';

const Widgets = defineResource<KubernetesObject>({
  group: 'test.k3s.io',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  scope: 'Namespaced',
});

const FINALIZER = 'test.k3s.io/widget';
const ref: ObjectRef = { namespace: 'default', name: 'a' };
const widget = (finalizers?: string[]): KubernetesObject => ({
  apiVersion: 'test.k3s.io/v1',
  kind: 'Widget',
  metadata: { ...ref, ...(finalizers && { finalizers }) },
});

/** A controller that notes what is called with which finalizers. */
function make(definition: Partial<ControllerDefinition<KubernetesObject, void>> = {}) {
  const calls: string[] = [];
  const controller = defineController<KubernetesObject>({
    name: 'widget',
    for: Widgets,
    finalizer: FINALIZER,
    async reconcile(_, { metadata }) {
      calls.push(`reconcile ${metadata.finalizers?.join()}`);
      return done();
    },
    async cleanup(_, { metadata }) {
      calls.push(`cleanup ${metadata.finalizers?.join()}`);
      return done();
    },
    ...definition,
  });
  return { controller, calls };
}

describe('finalizer', () => {
  test('is on the object before the first reconcile', async () => {
    const { controller, calls } = make();
    await using t = await harness(controller, { objects: [widget()] });
    expect(calls[0]).toBe(`reconcile ${FINALIZER}`);
    expect(t.cluster.object(Widgets, ref)?.metadata.finalizers).toEqual([FINALIZER]);
  });

  test('joins those of others', async () => {
    const { controller, calls } = make();
    await using t = await harness(controller, { objects: [widget(['test/other'])] });
    expect(calls[0]).toBe(`reconcile test/other,${FINALIZER}`);
    expect(t.cluster.object(Widgets, ref)?.metadata.finalizers).toEqual(['test/other', FINALIZER]);
  });

  test('is not reconciled past when it cannot be added', async () => {
    const { controller, calls } = make();
    await using t = await harness(controller, {});
    t.cluster.fault({ verb: 'patch', resource: Widgets, status: 500, times: 2 });
    t.cluster.load(widget());
    await t.settle();
    expect(calls).toEqual([]);
    await t.advance(5000);
    expect(calls[0]).toBe(`reconcile ${FINALIZER}`);
  });

  test('lets the object go once cleanup is done, and reconcile is not called again', async () => {
    const { controller, calls } = make();
    await using t = await harness(controller, { objects: [widget()] });
    const before = calls.length;
    t.cluster.remove(Widgets, ref);
    await t.settle();
    expect(calls.slice(before)).toEqual([`cleanup ${FINALIZER}`]);
    expect(t.cluster.object(Widgets, ref)).toBeUndefined();
    expect(t.explain('default/a')).toBeUndefined();
  });

  test('stays while cleanup throws, asks to be run again, or waits', async () => {
    const outcomes = [
      () => Promise.reject(new Error('the chart cannot be uninstalled')),
      async () => requeue(1000, 'pods are ending'),
      async () => waitFor(ConfigMaps, { namespace: 'default', name: 'x' }, (object) => object !== undefined, 'Missing'),
      async () => done(),
    ];
    const { controller } = make({ cleanup: () => (outcomes.shift() ?? (async () => done()))() });
    await using t = await harness(controller, { objects: [widget()] });
    t.cluster.remove(Widgets, ref);
    await t.advance(5000);
    expect(outcomes).toHaveLength(1);
    expect(t.cluster.object(Widgets, ref)?.metadata.finalizers).toEqual([FINALIZER]);
    t.cluster.load({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'x' } });
    await t.settle();
    expect(t.cluster.object(Widgets, ref)).toBeUndefined();
  });

  test('does not take those of others with it', async () => {
    const { controller, calls } = make();
    await using t = await harness(controller, { objects: [widget(['test/other'])] });
    t.cluster.remove(Widgets, ref);
    await t.settle();
    expect(t.cluster.object(Widgets, ref)?.metadata.finalizers).toEqual(['test/other']);
    expect(calls.filter((call) => call.startsWith('cleanup'))).toHaveLength(1);
  });

  test('is taken out again when the list has changed behind the cache', async () => {
    const { controller } = make();
    await using t = await harness(controller, { objects: [widget(['test/other'])] });
    {
      using _ = t.cluster.holdWatches();
      // The controller still believes that its own is the second.
      t.cluster.edit(Widgets, ref, (object) => {
        object.metadata.finalizers = [FINALIZER];
      });
    }
    {
      const held = t.cluster.holdWatches(Widgets);
      t.cluster.remove(Widgets, ref);
      held[Symbol.dispose]();
    }
    await t.advance(10_000);
    expect(t.cluster.object(Widgets, ref)).toBeUndefined();
  });

  test('refuses an edit that was made for another state of the list, and tries again', async () => {
    const { controller } = make({
      async cleanup(ctx) {
        // Somebody else lets go while we clean up.
        const live = await ctx.readLive(Widgets, ref);
        if (live?.metadata.finalizers?.[0] === 'test/other') {
          await ctx.client.patch(Widgets, ref, { type: 'merge', body: { metadata: { finalizers: [FINALIZER] } } });
        }
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget(['test/other'])] });
    t.cluster.remove(Widgets, ref);
    await t.settle();
    expect(t.records.some(({ result }) => result.type === 'failed' && result.code === 'K3S_CONTROLLER_FINALIZER')).toBe(
      true,
    );
    await t.advance(10_000);
    expect(t.cluster.object(Widgets, ref)).toBeUndefined();
  });

  test('takes an object that vanished during cleanup as cleaned up', async () => {
    const { controller } = make({
      async cleanup(ctx) {
        await ctx.client.patch(Widgets, ref, { type: 'merge', body: { metadata: { finalizers: null } } });
        return done();
      },
    });
    await using t = await harness(controller, { objects: [widget()] });
    t.cluster.remove(Widgets, ref);
    await t.settle();
    expect(t.records.every(({ result }) => result.type === 'done')).toBe(true);
  });

  test('leaves alone an object whose deletion was asked for before it was ever seen', async () => {
    const { controller, calls } = make();
    await using t = await harness(controller, {});
    {
      using _ = t.cluster.holdWatches();
      t.cluster.load(widget(['test/other']));
      t.cluster.remove(Widgets, ref);
    }
    await t.settle();
    // The watch still tells of the addition first; the server refuses to add a finalizer to an object that is being deleted.
    expect(calls.filter((call) => call.startsWith('reconcile'))).toEqual([]);
  });
});
