import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { ApiError } from '../../src/cluster/api-error.ts';
import { createInformers } from '../../src/cluster/informers.ts';
import { ConfigMaps, type ConfigMap } from '../../src/cluster/kinds.ts';
import type { Cause } from '../../src/framework/cause.ts';
import { ControllerRunner } from '../../src/framework/controller-runner.ts';
import { done, requeue, RetryableError, TerminalError, waitFor, type Outcome } from '../../src/framework/outcome.ts';
import type { ReconcileRecord } from '../../src/framework/reconcile-record.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';
import type { Run, Work, WorkHost } from '../../src/framework/work.ts';

const HOUR = 3_600_000;
const added: Cause = { source: 'test', change: 'added' };
const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

type Act = (run: Run) => Promise<Outcome | 'gone'>;

/** A runner whose keys are queued by hand and whose runs do what `act` says. */
function start(act: Act, settings: Partial<Work> = {}) {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  const informers = createInformers({ client: cluster, clock, random: seededRandom(1), log: silentLogger });
  const records: ReconcileRecord[] = [];
  let opened: WorkHost | undefined;
  const runner = new ControllerRunner(
    {
      name: 'test',
      concurrency: 1,
      timeout: 60_000,
      resync: 10 * HOUR,
      retry: { first: 200, longest: 300_000 },
      open: async (host) => void (opened = host),
      run: act,
      ...settings,
    },
    {
      client: cluster,
      clock,
      random: { next: () => 1 },
      log: silentLogger,
      informers,
      events: { record: () => {} },
      onRecord: (record) => void records.push(record),
    },
  );
  runner.start();
  return {
    clock,
    cluster,
    runner,
    records,
    add: (key: string) => opened?.enqueue(key, added),
    runs: () =>
      records.map(({ key, at, result }) => `${(at - Date.parse('2026-01-01T00:00:00Z')) / 1000} ${key} ${result.type}`),
  };
}

describe('ControllerRunner', () => {
  test('runs at most as many keys at once as its concurrency, each as soon as a slot is free', async () => {
    let active = 0;
    let most = 0;
    const t = start(
      async ({ clock, signal }) => {
        most = Math.max(most, ++active);
        await clock.sleep(1000, signal);
        active--;
        return done();
      },
      { concurrency: 3 },
    );
    await settle();
    for (let i = 0; i < 7; i++) t.add(`k${i}`);
    await t.clock.advance(2000);
    expect([most, t.records.length]).toEqual([3, 6]);
  });

  test('never runs one key twice at once, and runs it again for what came while it ran', async () => {
    let active = 0;
    const t = start(
      async ({ clock, signal }) => {
        expect(++active).toBe(1);
        await clock.sleep(1000, signal);
        active--;
        return done();
      },
      { concurrency: 3 },
    );
    await settle();
    t.add('a');
    await t.clock.advance(500);
    t.add('a');
    t.add('a');
    await t.clock.advance(5000);
    expect(t.runs()).toEqual(['0 a done', '1 a done']);
  });

  test('runs a done key again at the resync', async () => {
    const t = start(async () => done());
    await settle();
    t.add('a');
    await t.clock.advance(23 * HOUR);
    expect(t.records.map(({ causes }) => causes[0]?.change)).toEqual(['added', 'resynced', 'resynced']);
    expect(t.records[1]?.at).toBe(Date.parse('2026-01-01T11:00:00Z'));
  });

  test('runs a key again after the time it asked for, and earlier when something changes', async () => {
    const t = start(async () => requeue(60_000, 'the lease ends'));
    await settle();
    t.add('a');
    await t.clock.advance(10_000);
    t.add('a');
    await t.clock.advance(65_000);
    expect(t.runs()).toEqual(['0 a requeue', '10 a requeue', '70 a requeue']);
    expect(t.records[2]?.causes).toEqual([{ source: 'controller', change: 'requeued', detail: 'the lease ends' }]);
  });

  test('retries whatever is thrown with growing waits, and begins anew after a success', async () => {
    let failures = 3;
    const t = start(async () => {
      if (failures-- > 0) throw new TypeError('undefined is not a function');
      return done();
    });
    await settle();
    t.add('a');
    await t.clock.advance(60_000);
    expect(t.runs()).toEqual(['0 a failed', '0.2 a failed', '0.6 a failed', '1.4 a done']);
    expect(t.records.map(({ attempt }) => attempt)).toEqual([0, 1, 2, 3]);
    expect(t.records[0]?.result).toMatchObject({ code: 'K3S_CONTROLLER_UNEXPECTED', retry: true });
  });

  test('waits as long as a RetryableError or the API server asks', async () => {
    const errors = [
      new RetryableError('K3S_TEST_BUSY', 'busy', { after: 30_000 }),
      new Error('wrapped', {
        cause: new ApiError(429, {}, { method: 'GET', path: '/' }, 10_000),
      }),
    ];
    const t = start(async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return done();
    });
    await settle();
    t.add('a');
    await t.clock.advance(60_000);
    expect(t.runs()).toEqual(['0 a failed', '30 a failed', '40 a done']);
  });

  test('does not retry after a TerminalError until something changes', async () => {
    const t = start(async () => {
      throw new TerminalError('K3S_TEST_SPEC', 'the spec makes no sense', { until: 'the spec changes' });
    });
    await settle();
    t.add('a');
    await t.clock.advance(HOUR);
    expect(t.runs()).toEqual(['0 a failed']);
    expect(t.records[0]?.result).toMatchObject({ code: 'K3S_TEST_SPEC', retry: false });
    t.add('a');
    await settle();
    expect(t.records).toHaveLength(2);
  });

  test('survives a value that is thrown and is not an Error', async () => {
    const t = start(() => Promise.reject('just text'));
    await settle();
    t.add('a');
    await settle();
    expect(t.records[0]?.result).toMatchObject({ error: { message: 'a reconcile threw "just text"' } });
  });

  test('aborts a run whose time is up and retries it', async () => {
    const t = start(
      async ({ clock, signal }) => {
        await clock.sleep(HOUR, signal);
        return done();
      },
      { timeout: 5000 },
    );
    await settle();
    t.add('a');
    await t.clock.advance(5100);
    expect(t.records[0]).toMatchObject({ result: { code: 'K3S_CONTROLLER_TIMEOUT', retry: true }, took: 5000 });
  });

  test('does not start a key again while a run of it ignores its signal', async () => {
    let runs = 0;
    const t = start(
      async ({ clock }) => {
        runs++;
        await clock.sleep(20_000);
        return done();
      },
      { timeout: 5000, concurrency: 2 },
    );
    await settle();
    t.add('a');
    await t.clock.advance(10_000);
    t.add('a');
    await t.clock.advance(9_000);
    expect(runs).toBe(1);
    await t.clock.advance(2_000);
    expect(runs).toBe(2);
  });

  test('runs a waiting key when the predicate holds, and not for changes after which it does not', async () => {
    const ref = { namespace: 'default', name: 'x' };
    const ready = (object: ConfigMap | undefined): boolean => object?.data?.['ready'] === 'yes';
    const t = start(async ({ client }) => {
      const object = await client.get(ConfigMaps, ref).catch(() => undefined);
      return ready(object) ? done() : waitFor(ConfigMaps, ref, ready, 'NotReady');
    });
    await settle();
    t.add('a');
    await t.clock.advance(1000);
    t.cluster.load(configMap('x', { ready: 'no' }), configMap('y', { ready: 'yes' }));
    await t.clock.advance(1000);
    expect(t.runs()).toEqual(['0 a wait']);
    t.cluster.edit(ConfigMaps, ref, (object) => {
      object.data = { ready: 'yes' };
    });
    await settle();
    expect(t.runs()).toEqual(['0 a wait', '2 a done']);
    expect(t.records[1]?.causes).toEqual([{ source: 'ConfigMap', change: 'condition met', detail: 'default/x' }]);
  });

  test('runs a waiting key once more when the predicate holds already, and then backs off', async () => {
    const t = start(async () => waitFor(ConfigMaps, { namespace: 'default', name: 'x' }, () => true, 'Never'));
    await settle();
    t.add('a');
    await t.clock.advance(1000);
    expect(t.runs()).toEqual(['0 a wait', '0 a failed', '0.2 a failed', '0.6 a failed']);
    expect(t.records[1]?.result).toMatchObject({ code: 'K3S_CONTROLLER_WAIT' });
  });

  test('takes a predicate that throws as a failure of the run', async () => {
    const t = start(async () =>
      waitFor(
        ConfigMaps,
        { namespace: 'default', name: 'x' },
        (object) => {
          if (object !== undefined) throw new Error('cannot tell');
          return false;
        },
        'NotReady',
      ),
    );
    await settle();
    t.add('a');
    await settle();
    t.cluster.load(configMap('x'));
    await settle();
    expect(t.runs()).toEqual(['0 a wait', '0 a failed']);
  });

  test('runs a waiting key when its wait times out, and says so', async () => {
    let runs = 0;
    const t = start(async () =>
      runs++ > 0
        ? done()
        : waitFor(ConfigMaps, { namespace: 'default', name: 'x' }, (object) => object !== undefined, 'Missing', {
            timeout: 30_000,
          }),
    );
    await settle();
    t.add('a');
    await t.clock.advance(30_000);
    expect(t.records[1]?.causes).toEqual([{ source: 'controller', change: 'wait timed out', detail: 'Missing' }]);
  });

  test('does not run a key again before the caches show what it wrote, and gives its slot to others meanwhile', async () => {
    const seen: unknown[] = [];
    const t = start(async ({ key, client, caches, signal }) => {
      const store = await caches.store(ConfigMaps, signal);
      seen.push([key, store.size]);
      if (key === 'a') await client.apply(ConfigMaps, configMap('x'), { fieldManager: 'test' });
      return done();
    });
    await settle();
    t.add('b');
    await settle();
    const held = t.cluster.holdWatches();
    t.add('a');
    await settle();
    t.add('a');
    t.add('b');
    await settle();
    expect(t.runner.explain('a')).toMatchObject({ state: 'settling', causes: [added] });
    held[Symbol.dispose]();
    await settle();
    expect(seen).toEqual([
      ['b', 0],
      ['a', 0],
      ['b', 0],
      ['a', 1],
    ]);
  });

  test('gives up waiting for its own writes when a cache is too far behind', async () => {
    const t = start(async ({ client, caches, signal }) => {
      await caches.store(ConfigMaps, signal);
      await client.apply(ConfigMaps, configMap('x'), { fieldManager: 'test' });
      return done();
    });
    await settle();
    t.add('first');
    await settle();
    t.cluster.remove(ConfigMaps, { namespace: 'default', name: 'x' });
    await settle();
    using _ = t.cluster.holdWatches();
    t.add('a');
    await settle();
    t.add('a');
    await t.clock.advance(4_900);
    expect(t.runs()).toEqual(['0 first done', '0 a done']);
    await t.clock.advance(200);
    expect(t.runs()).toEqual(['0 first done', '0 a done', '5 a done']);
  });

  test('lets runs end when it stops, and starts no more', async () => {
    const ended: string[] = [];
    const t = start(async ({ key, clock, signal }) => {
      await clock.sleep(3000, signal);
      ended.push(key);
      return done();
    });
    await settle();
    t.add('a');
    t.add('b');
    await settle();
    const stopped = t.runner.stop(10_000);
    await t.clock.advance(3000);
    await stopped;
    await t.clock.advance(60_000);
    expect(ended).toEqual(['a']);
    expect(t.clock.pendingTimers).toBe(0);
  });

  test('aborts runs that take longer than it may wait when it stops', async () => {
    const t = start(
      async ({ clock, signal }) => {
        await clock.sleep(HOUR, signal);
        return done();
      },
      { timeout: 2 * HOUR },
    );
    await settle();
    t.add('a');
    await settle();
    const stopped = t.runner.stop(10_000);
    await t.clock.advance(10_000);
    await stopped;
    expect(t.records[0]?.result).toMatchObject({ code: 'K3S_CONTROLLER_STOPPED' });
  });

  test('abandons a run that ignores even that', async () => {
    const t = start(async ({ clock }) => {
      await clock.sleep(HOUR);
      return done();
    });
    await settle();
    t.add('a');
    await settle();
    let over = false;
    const stopped = t.runner.stop(10_000).then(() => (over = true));
    await t.clock.advance(11_900);
    expect(over).toBe(false);
    await t.clock.advance(200);
    await stopped;
    expect(t.records).toHaveLength(0);
  });

  test('explains what a key waits for, why it ran, and how that ended', async () => {
    const t = start(async ({ reads, caches, signal }) => {
      reads.object(ConfigMaps, { namespace: 'default', name: 'x' });
      await caches.store(ConfigMaps, signal);
      throw new RetryableError('K3S_TEST_BUSY', 'busy');
    });
    await settle();
    expect(t.runner.explain('a')).toBeUndefined();
    t.add('a');
    await t.clock.advance(100);
    expect(t.runner.explain('a')).toMatchObject({
      controller: 'test',
      key: 'a',
      state: 'waiting',
      attempt: 1,
      nextWake: { at: Date.parse('2026-01-01T00:00:00.200Z'), reason: 'controller retried' },
      lastRun: { result: { code: 'K3S_TEST_BUSY' }, causes: [added] },
      reads: ['ConfigMap default/x'],
    });
  });

  test('forgets a key that is gone', async () => {
    const t = start(async () => 'gone');
    await settle();
    t.add('a');
    await settle();
    expect(t.records).toHaveLength(1);
    expect(t.runner.explain('a')).toBeUndefined();
    expect(t.clock.pendingTimers).toBe(0);
  });

  test('keeps one timer, however many keys wait', async () => {
    const t = start(async () => done(), { concurrency: 10 });
    await settle();
    for (let i = 0; i < 100; i++) t.add(`k${i}`);
    await settle();
    expect(t.records).toHaveLength(100);
    expect(t.clock.pendingTimers).toBe(1);
  });

  test('runs nothing before its work has opened, and everything that was queued by then after it', async () => {
    const opening = Promise.withResolvers<void>();
    const t = start(async () => done(), {
      open: async (host) => {
        host.enqueue('early', added);
        await opening.promise;
      },
    });
    await settle();
    expect(t.records).toHaveLength(0);
    opening.resolve();
    await settle();
    expect(t.runs()).toEqual(['0 early done']);
  });

  test('says so when its work cannot open', async () => {
    const t = start(async () => done(), { open: () => Promise.reject(new Error('no source')) });
    await settle();
    const stopped = t.runner.stop(0);
    await t.clock.advance(0);
    await stopped;
    expect(t.records).toHaveLength(0);
  });
});
