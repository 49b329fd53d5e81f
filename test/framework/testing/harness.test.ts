import { describe, expect, test } from 'vitest';
import { ConfigMaps, type ConfigMap } from '../../../src/cluster/kinds.ts';
import { defineController, type ControllerDefinition } from '../../../src/framework/controller.ts';
import { done, requeue, RetryableError } from '../../../src/framework/outcome.ts';
import { harness } from '../../../src/framework/testing/harness.ts';

const configMap = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
});
const make = (reconcile: ControllerDefinition<ConfigMap, void>['reconcile']) =>
  defineController<ConfigMap>({ name: 'config', for: ConfigMaps, predicate: () => false, reconcile });

describe('harness', () => {
  test('writes down the writes and the ends of runs, the same for the same seed', async () => {
    let failures = 1;
    const controller = make(async (ctx, object) => {
      await ctx.client.patch(
        ConfigMaps,
        { namespace: 'default', name: object.metadata.name ?? '' },
        {
          type: 'merge',
          body: { data: { n: '1' } },
        },
      );
      if (failures-- > 0) throw new RetryableError('K3S_TEST_BUSY', 'busy');
      return requeue(60_000, 'again');
    });
    const transcript = async (seed: number): Promise<string> => {
      failures = 1;
      await using t = await harness(controller, { objects: [configMap('a')], seed });
      await t.advance(1000);
      return t.transcript();
    };
    const first = await transcript(1);
    expect(first.replaceAll(/\d\.\d{3}s/g, 'TIME')).toBe(
      [
        '     TIME  patch configmaps default/a merge as config -> ok',
        '     TIME  config default/a -> failed K3S_TEST_BUSY (ConfigMap default/a listed)',
        '     TIME  patch configmaps default/a merge as config -> ok',
        '     TIME  config default/a -> requeue again (controller retried)',
        '',
      ].join('\n'),
    );
    expect(await transcript(1)).toBe(first);
    expect(await transcript(2)).not.toBe(first);
  });

  test('begins at the time it is told', async () => {
    const seen: number[] = [];
    const controller = make(async (ctx) => {
      seen.push(ctx.clock.now());
      return done();
    });
    await using _ = await harness(controller, { objects: [configMap('a')], at: '2030-05-01T00:00:00Z' });
    expect(seen).toEqual([Date.parse('2030-05-01T00:00:00Z')]);
  });

  test('rests while a run waits for a time to come', async () => {
    const controller = make(async (ctx) => {
      await ctx.clock.sleep(5000, ctx.signal);
      return done();
    });
    await using t = await harness(controller, { objects: [configMap('a')] });
    expect(t.records).toHaveLength(0);
    await t.advance(5000);
    expect(t.records).toHaveLength(1);
  });

  test('says so when a controller and the cluster keep each other busy', async () => {
    let n = 0;
    const busy = defineController<ConfigMap>({
      name: 'busy',
      for: ConfigMaps,
      async reconcile(ctx) {
        const body = { data: { n: String(++n) } };
        await ctx.client.patch(ConfigMaps, { namespace: 'default', name: 'a' }, { type: 'merge', body });
        return done();
      },
    });
    await expect(harness(busy, { objects: [configMap('a')] })).rejects.toThrow('busy default/a does not come to rest');
  });
});
