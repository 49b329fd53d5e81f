import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { createInformers } from '../../src/cluster/informers.ts';
import { ConfigMaps, Events, Secrets, type ConfigMap } from '../../src/cluster/kinds.ts';
import { defineResource } from '../../src/cluster/resource.ts';
import { defineController, defineSourceController, type ControllerDefinition } from '../../src/framework/controller.ts';
import { createManager, type ManagerOptions } from '../../src/framework/manager.ts';
import { done } from '../../src/framework/outcome.ts';
import type { ReconcileRecord } from '../../src/framework/reconcile-record.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

const configMap = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
});

function make(options: Partial<ManagerOptions> = {}) {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, objects: [configMap('a')] });
  const common = { client: cluster, clock, random: seededRandom(1), log: silentLogger };
  const manager = createManager({ ...common, instance: 'server-1', ...options });
  const records: ReconcileRecord[] = [];
  let completed = false;
  manager.outcomes$.subscribe({ next: (record) => void records.push(record), complete: () => (completed = true) });
  const stop = new AbortController();
  return { clock, cluster, common, manager, records, stop, completed: () => completed };
}

const idle = (definition: Partial<ControllerDefinition<ConfigMap, void>> = {}) =>
  defineController<ConfigMap>({ name: 'config', for: ConfigMaps, reconcile: async () => done(), ...definition });

describe('a manager', () => {
  test('runs the controllers that were added before and those that are added while it runs', async () => {
    const t = make();
    t.manager.add(idle(), undefined);
    expect(t.cluster.calls).toEqual([]);
    const running = t.manager.run(t.stop.signal);
    await settle();
    t.manager.add(idle({ name: 'late' }), undefined);
    await settle();
    expect(t.records.map(({ controller, key }) => `${controller} ${key}`)).toEqual([
      'config default/a',
      'late default/a',
    ]);
    t.stop.abort();
    await running;
  });

  test('refuses two controllers of one name, and to run twice', async () => {
    const t = make();
    t.manager.add(idle(), undefined);
    expect(() => t.manager.add(idle(), undefined)).toThrow(
      expect.objectContaining({ code: 'K3S_CONTROLLER_DEFINITION' }),
    );
    t.stop.abort();
    await t.manager.run(t.stop.signal);
    await expect(t.manager.run(t.stop.signal)).rejects.toThrow('once');
  });

  test('lets no controller wait for another', async () => {
    const t = make();
    const Gadgets = defineResource<ConfigMap>({
      group: 'test.k3s.io',
      version: 'v1',
      kind: 'Gadget',
      plural: 'gadgets',
      scope: 'Namespaced',
    });
    t.manager.add(idle({ name: 'of-an-absent-kind', for: Gadgets }), undefined);
    t.manager.add(idle(), undefined);
    const running = t.manager.run(t.stop.signal);
    await settle();
    expect(t.records.map(({ controller }) => controller)).toEqual(['config']);
    t.cluster.declare(Gadgets);
    t.cluster.load({ ...configMap('g'), apiVersion: 'test.k3s.io/v1', kind: 'Gadget' });
    await t.clock.advance(600_000);
    expect(t.records.map(({ controller }) => controller)).toEqual(['config', 'of-an-absent-kind']);
    t.stop.abort();
    await running;
  });

  test('waits for runs, writes the last events and closes everything when it stops', async () => {
    const t = make();
    t.manager.add(
      idle({
        async reconcile(ctx) {
          await ctx.clock.sleep(3000, ctx.signal);
          ctx.event('Normal', 'Done', 'done');
          return done();
        },
      }),
      undefined,
    );
    const running = t.manager.run(t.stop.signal);
    await settle();
    t.stop.abort();
    await t.clock.advance(3000);
    await running;
    expect(t.records).toHaveLength(1);
    expect(t.cluster.objects(Events)).toMatchObject([{ reason: 'Done', reportingInstance: 'server-1' }]);
    expect([t.completed(), t.cluster.openWatches, t.clock.pendingTimers]).toEqual([true, 0, 0]);
  });

  test('does not wait for ever for events that cannot be written', async () => {
    const t = make();
    t.manager.add(
      idle({
        async reconcile(ctx) {
          ctx.event('Normal', 'Done', 'done');
          return done();
        },
      }),
      undefined,
    );
    t.cluster.fault({ verb: 'create', delay: 3_600_000 });
    const running = t.manager.run(t.stop.signal);
    await settle();
    t.stop.abort();
    await t.clock.advance(2000);
    await expect(running).resolves.toBeUndefined();
  });

  test('leaves informers open that it was given', async () => {
    const t = make();
    const informers = createInformers(t.common);
    await using ours = informers.informer(ConfigMaps);
    const manager = createManager({ ...t.common, instance: 'x', informers });
    manager.add(idle({ owns: [Secrets] }), undefined);
    const running = manager.run(t.stop.signal);
    await settle();
    expect(t.cluster.openWatches).toBe(2);
    t.stop.abort();
    await running;
    expect(t.cluster.openWatches).toBe(1);
    expect(ours.store.size).toBe(1);
  });

  test('explains the keys of each controller', async () => {
    const t = make();
    const keys = new Subject<string>();
    t.manager.add(idle(), undefined);
    t.manager.add(
      defineSourceController<string>({
        name: 'files',
        source: () => ({ name: 'files', list: async () => ['a.yaml'], changes$: keys, read: async () => 'x' }),
        reconcile: async () => done(),
      }),
      undefined,
    );
    const running = t.manager.run(t.stop.signal);
    await settle();
    expect(t.manager.explain('files', 'a.yaml')).toMatchObject({
      state: 'waiting',
      lastRun: { causes: [{ source: 'files', change: 'listed' }] },
    });
    expect(t.manager.explain('config', 'default/a')).toMatchObject({ nextWake: { reason: 'controller resynced' } });
    expect(t.manager.explain('config', 'default/b')).toBeUndefined();
    expect(t.manager.explain('nobody', 'x')).toBeUndefined();
    t.stop.abort();
    await running;
  });

  test('survives a server that is away, and goes on when it is back', async () => {
    const t = make();
    t.manager.add(idle(), undefined);
    const outage = t.cluster.fault({ status: 'network', times: 1_000_000 });
    const running = t.manager.run(t.stop.signal);
    await t.clock.advance(60_000);
    expect(t.records).toEqual([]);
    outage[Symbol.dispose]();
    await t.clock.advance(60_000);
    expect(t.records).toHaveLength(1);
    t.stop.abort();
    await running;
  });
});
