import { describe, expect, test } from 'vitest';
import type { KubernetesObject, ObjectRef } from '../../src/cluster/object.ts';
import { defineResource } from '../../src/cluster/resource.ts';
import type { Condition } from '../../src/framework/context.ts';
import { defineController, type ControllerDefinition } from '../../src/framework/controller.ts';
import { done } from '../../src/framework/outcome.ts';
import { harness } from '../../src/framework/testing/harness.ts';

interface Widget extends KubernetesObject {
  spec: { size: number };
  status?: { size?: number; jobName?: string; conditions?: Condition[] };
}

const Widgets = defineResource<Widget>({
  group: 'test.k3s.io',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  scope: 'Namespaced',
});

const ref: ObjectRef = { namespace: 'default', name: 'a' };
const widget = (status: Widget['status'] = {}): Widget => ({
  apiVersion: 'test.k3s.io/v1',
  kind: 'Widget',
  metadata: { ...ref },
  spec: { size: 1 },
  status,
});
const make = (reconcile: ControllerDefinition<Widget, void>['reconcile']) =>
  defineController<Widget>({ name: 'widget', for: Widgets, reconcile });
const patches = (text: string): number => text.split('\n').filter((line) => line.includes(' patch ')).length;

describe('status', () => {
  test('is merged into what is there, and null removes', async () => {
    const controller = make(async (ctx, { spec }) => {
      await ctx.patchStatus({ size: spec.size, jobName: null });
      return done();
    });
    await using t = await harness(controller, { objects: [widget({ jobName: 'old', conditions: [] })] });
    expect(t.cluster.object(Widgets, ref)?.status).toEqual({ size: 1, conditions: [] });
  });

  test('is not written when that changes nothing, within a run and across runs', async () => {
    const controller = make(async (ctx, { spec }) => {
      await ctx.patchStatus({ size: spec.size });
      await ctx.patchStatus({ size: spec.size });
      ctx.condition('Ready', 'True', 'Fits', 'it fits');
      return done();
    });
    await using t = await harness(controller, { objects: [widget()] });
    await t.advance(100_000_000);
    expect(t.records.length).toBeGreaterThan(3);
    expect(patches(t.transcript())).toBe(2);
  });

  test('carries conditions that were set in a run even when the run fails', async () => {
    const controller = make(async (ctx) => {
      ctx.condition('Ready', 'False', 'Broken', 'it broke');
      throw new Error('broken');
    });
    await using t = await harness(controller, { objects: [widget()] });
    expect(t.cluster.object(Widgets, ref)?.status?.conditions).toEqual([
      {
        type: 'Ready',
        status: 'False',
        reason: 'Broken',
        message: 'it broke',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 1,
      },
    ]);
    expect(t.records[0]?.result).toMatchObject({ error: { message: 'broken' } });
  });

  test('shows the error of the run, not that of writing the conditions after it', async () => {
    const controller = make(async (ctx) => {
      ctx.condition('Ready', 'False', 'Broken', 'it broke');
      throw new Error('broken');
    });
    await using t = await harness(controller, {});
    t.cluster.fault({ verb: 'patch', status: 500 });
    t.cluster.load(widget());
    await t.settle();
    expect(t.records[0]?.result).toMatchObject({ error: { message: 'broken' } });
  });

  test('fails the run when the conditions cannot be written', async () => {
    const controller = make(async (ctx) => {
      ctx.condition('Ready', 'True', 'Fits', 'it fits');
      return done();
    });
    await using t = await harness(controller, {});
    t.cluster.fault({ verb: 'patch', status: 500 });
    t.cluster.load(widget());
    await t.settle();
    expect(t.records[0]?.result).toMatchObject({ type: 'failed', code: 'K3S_API_REQUEST' });
    await t.advance(1000);
    expect(t.cluster.object(Widgets, ref)?.status?.conditions).toHaveLength(1);
  });

  test('does not lose conditions that somebody else writes at the same time', async () => {
    let disturbed = false;
    const controller = make(async (ctx) => {
      if (!disturbed) {
        disturbed = true;
        const foreign = {
          type: 'Foreign',
          status: 'True',
          reason: 'X',
          message: '',
          lastTransitionTime: '2020-01-01T00:00:00Z',
        };
        await ctx.client.patch(
          Widgets,
          ref,
          { type: 'merge', body: { status: { conditions: [foreign] } } },
          { subresource: 'status' },
        );
      }
      ctx.condition('Ready', 'True', 'Fits', 'it fits');
      return done();
    });
    await using t = await harness(controller, { objects: [widget()] });
    expect(t.cluster.object(Widgets, ref)?.status?.conditions?.map(({ type }) => type)).toEqual(['Foreign', 'Ready']);
  });

  test('gives up for this run when others keep winning', async () => {
    const controller = make(async (ctx) => {
      ctx.condition('Ready', 'True', 'Fits', 'it fits');
      return done();
    });
    await using t = await harness(controller, {});
    t.cluster.fault({ verb: 'patch', status: 409, times: 4 });
    t.cluster.load(widget());
    await t.settle();
    expect(t.records[0]?.result).toMatchObject({ type: 'failed', code: 'K3S_API_REQUEST' });
  });

  test('is not written to an object that is gone or was made anew', async () => {
    let act: () => void = () => {};
    const controller = make(async (ctx) => {
      act();
      act = () => {};
      ctx.condition('Ready', 'True', 'Fits', 'it fits');
      return done();
    });
    await using t = await harness(controller, {});
    act = () => t.cluster.remove(Widgets, ref);
    t.cluster.load(widget());
    await t.settle();
    expect(t.records.map(({ result }) => result.type)).not.toContain('failed');
    act = () => {
      t.cluster.remove(Widgets, ref);
      t.cluster.load(widget());
    };
    t.cluster.load(widget());
    await t.settle();
    expect(t.records.map(({ result }) => result.type)).not.toContain('failed');
    expect(t.cluster.object(Widgets, ref)?.status?.conditions).toHaveLength(1);
  });
});
