import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { Random } from '../../src/core/random.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Cause } from '../../src/framework/cause.ts';
import { WorkQueue, type Verdict } from '../../src/framework/work-queue.ts';

const RETRY = { first: 200, longest: 300_000 };
const SETTLED: Verdict = { type: 'settled' };
const FAILED: Verdict = { type: 'failed' };
/** Makes every wait as long as it can be. */
const longest: Random = { next: () => 1 };

const cause = (detail: string): Cause => ({ source: 'ConfigMap', change: 'updated', detail });

function makeQueue(random: Random = longest): WorkQueue {
  return new WorkQueue({ retry: RETRY, random });
}

/** Takes everything that may run, in order, and ends each run well. */
function drain(queue: WorkQueue, now = 0): string[] {
  const keys: string[] = [];
  for (let taken = queue.take(now); taken !== undefined; taken = queue.take(now)) {
    keys.push(taken.key);
    queue.finish(taken.key, SETTLED, now);
  }
  return keys;
}

describe('WorkQueue', () => {
  test('gives out a key that was added several times once, with all causes', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.add('a', cause('2'), 0);
    queue.add('a', cause('1'), 0);
    expect(queue.take(0)).toEqual({ key: 'a', causes: [cause('1'), cause('2')], attempt: 0 });
    expect(queue.take(0)).toBeUndefined();
  });

  test('does not give out a key that is running, and gives it out once more for what came meanwhile', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.add('a', cause('2'), 0);
    queue.add('a', cause('3'), 0);
    expect(queue.take(0)).toBeUndefined();
    queue.finish('a', SETTLED, 0);
    expect(queue.take(0)?.causes).toEqual([cause('2'), cause('3')]);
    queue.finish('a', SETTLED, 0);
    expect(queue.take(0)).toBeUndefined();
  });

  test('runs other keys while one is running', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.add('b', cause('1'), 0);
    expect([queue.take(0)?.key, queue.take(0)?.key]).toEqual(['a', 'b']);
  });

  test('is first in, first out within a priority, and serves high priority before low', () => {
    const queue = makeQueue();
    queue.add('l1', cause('1'), 0, 'low');
    queue.add('l2', cause('1'), 0, 'low');
    queue.add('h1', cause('1'), 0);
    queue.add('h2', cause('1'), 0);
    expect(drain(queue)).toEqual(['h1', 'h2', 'l1', 'l2']);
  });

  test('raises a queued key to the highest priority that it was added with, and never lowers it', () => {
    const queue = makeQueue();
    queue.add('l1', cause('1'), 0, 'low');
    queue.add('l2', cause('1'), 0, 'low');
    queue.add('l2', cause('2'), 0, 'high');
    queue.add('l2', cause('3'), 0, 'low');
    expect(drain(queue)).toEqual(['l2', 'l1']);
  });

  test('keeps the high priority of what came during a run when low priority came too', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.add('b', cause('1'), 0, 'low');
    queue.add('a', cause('2'), 0, 'high');
    queue.add('a', cause('3'), 0, 'low');
    queue.finish('a', SETTLED, 0);
    expect(drain(queue)).toEqual(['a', 'b']);
  });

  test('does not starve low priority, however much of high priority arrives', () => {
    const queue = makeQueue();
    queue.add('low', cause('1'), 0, 'low');
    for (let i = 0; i < 100; i++) queue.add(`h${i}`, cause('1'), 0);
    expect(drain(queue).indexOf('low')).toBe(8);
  });

  test('gives a failed key out again after its back-off and not before', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.finish('a', FAILED, 1000);
    expect(queue.nextWake).toBe(1200);
    expect(queue.take(1199)).toBeUndefined();
    expect(queue.take(1200)).toEqual({
      key: 'a',
      causes: [{ source: 'controller', change: 'retried' }],
      attempt: 1,
    });
  });

  test('doubles the back-off up to its limit and forgets it after a success', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 13; i++) {
      queue.take(now);
      queue.finish('a', FAILED, now);
      waits.push((queue.nextWake ?? 0) - now);
      now = queue.nextWake ?? 0;
    }
    expect(waits.slice(0, 4)).toEqual([200, 400, 800, 1600]);
    expect(waits.slice(-2)).toEqual([300_000, 300_000]);
    queue.take(now);
    queue.finish('a', SETTLED, now);
    queue.add('a', cause('2'), now);
    expect(queue.take(now)?.attempt).toBe(0);
    queue.finish('a', FAILED, now);
    expect(queue.nextWake).toBe(now + 200);
  });

  test('draws the back-off from the whole interval below its bound', () => {
    const waits = [0, 0.25, 0.999].map((value) => {
      const queue = makeQueue({ next: () => value });
      queue.add('a', cause('1'), 0);
      queue.take(0);
      queue.finish('a', FAILED, 0);
      return queue.nextWake;
    });
    expect(waits).toEqual([0, 50, 199.8]);
  });

  test('waits at least as long as a failure asks for', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.finish('a', { type: 'failed', after: 5000 }, 0);
    expect(queue.nextWake).toBe(5000);
  });

  test('runs a backing-off key at once for a change, and its failure leaves the end of the back-off where it was', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.finish('a', FAILED, 0);
    for (const now of [10, 60, 110]) {
      queue.add('a', cause(String(now)), now);
      expect(queue.take(now)?.attempt).toBe(1);
      queue.finish('a', FAILED, now);
      expect(queue.nextWake).toBe(200);
    }
    expect(queue.take(200)?.attempt).toBe(1);
    queue.finish('a', FAILED, 200);
    expect(queue.nextWake).toBe(600);
  });

  test('ends the back-off when a run that a change caused succeeds', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.finish('a', FAILED, 0);
    queue.add('a', cause('2'), 50);
    queue.take(50);
    queue.finish('a', SETTLED, 50);
    expect(queue.nextWake).toBeUndefined();
    expect(queue.take(10_000)).toBeUndefined();
  });

  test('recovers soon after an outage in which something kept triggering the key', () => {
    // The case of kubernetes #132805: counting attempts, 60 s of outage with two events a second ends in the longest back-off.
    const queue = makeQueue();
    queue.add('a', cause('start'), 0);
    let recovered: number | undefined;
    for (let now = 0; recovered === undefined && now < 3_600_000; now += 100) {
      if (now % 500 === 0 && now < 60_000) queue.add('a', cause('event'), now);
      for (let taken = queue.take(now); taken !== undefined && recovered === undefined; taken = queue.take(now)) {
        if (now >= 60_000) recovered = now;
        else queue.finish('a', FAILED, now);
      }
    }
    expect(recovered).toBeLessThan(120_000);
  });

  test('wakes a settled key at the time that was asked for, with its cause and priority', () => {
    const queue = makeQueue();
    const resynced: Cause = { source: 'controller', change: 'resynced' };
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.finish('a', { type: 'settled', wake: { after: 1000, cause: resynced, priority: 'low' } }, 0);
    expect(queue.explain('a')).toMatchObject({ state: 'waiting', wake: { at: 1000, cause: resynced } });
    queue.add('b', cause('1'), 1000);
    expect(queue.take(1000)?.key).toBe('b');
    expect(queue.take(1000)).toEqual({ key: 'a', causes: [resynced], attempt: 0 });
  });

  test('drops a wake when the key runs before it', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.finish('a', { type: 'settled', wake: { after: 1000, cause: cause('timer'), priority: 'high' } }, 0);
    queue.add('a', cause('2'), 500);
    queue.take(500);
    queue.finish('a', SETTLED, 500);
    expect(queue.take(1000)).toBeUndefined();
  });

  test('keeps nothing of keys that are settled for good or gone', () => {
    const queue = makeQueue();
    for (let i = 0; i < 1000; i++) {
      queue.add(`k${i}`, cause('1'), 0);
      queue.take(0);
      queue.finish(`k${i}`, i % 2 === 0 ? SETTLED : { type: 'gone' }, 0);
    }
    expect([[...queue.keys()], queue.nextWake]).toEqual([[], undefined]);
  });

  test('runs a gone key again when it came back while it ran', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    queue.take(0);
    queue.add('a', cause('2'), 0);
    queue.finish('a', { type: 'gone' }, 0);
    expect(queue.take(0)?.causes).toEqual([cause('2')]);
  });

  test('refuses to finish what was not taken', () => {
    const queue = makeQueue();
    queue.add('a', cause('1'), 0);
    expect(() => queue.finish('a', SETTLED, 0)).toThrow('finished but not taken');
    expect(() => queue.finish('b', SETTLED, 0)).toThrow('finished but not taken');
  });

  test('remembers a bounded number of causes, the latest', () => {
    const queue = makeQueue();
    for (let i = 0; i < 100; i++) queue.add('a', cause(String(i)), 0);
    expect(queue.take(0)?.causes.map(({ detail }) => detail)).toEqual(['92', '93', '94', '95', '96', '97', '98', '99']);
  });

  test('explains a key in each of its states', () => {
    const queue = makeQueue();
    expect(queue.explain('a')).toBeUndefined();
    queue.add('a', cause('1'), 7);
    expect(queue.explain('a')).toEqual({
      state: 'queued',
      causes: [cause('1')],
      queuedSince: 7,
      attempt: 0,
      wake: undefined,
    });
    queue.take(8);
    expect(queue.explain('a')).toMatchObject({ state: 'running', causes: [], queuedSince: undefined });
    queue.finish('a', FAILED, 8);
    expect(queue.explain('a')).toMatchObject({ state: 'waiting', attempt: 1, wake: { at: 208 } });
    expect([...queue.keys()]).toEqual(['a']);
  });

  test('whatever happens: no key runs twice at once and every addition is followed by a run that began after it', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: fc.integer({ min: 0, max: 4 }), low: fc.boolean() }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({
        do: fc.constant('finish' as const),
        verdict: fc.constantFrom<Verdict>(
          SETTLED,
          FAILED,
          { type: 'gone' },
          {
            type: 'settled',
            wake: { after: 300, cause: cause('timer'), priority: 'low' },
          },
        ),
      }),
      fc.record({ do: fc.constant('pass' as const), time: fc.integer({ min: 1, max: 1000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer(), (steps, seed) => {
        const queue = makeQueue(seededRandom(seed));
        const running: string[] = [];
        const owed = new Set<string>();
        let now = 0;
        const take = (): boolean => {
          const taken = queue.take(now);
          if (taken === undefined) return false;
          expect(running).not.toContain(taken.key);
          running.push(taken.key);
          owed.delete(taken.key);
          return true;
        };
        for (const each of steps) {
          if (each.do === 'add') {
            queue.add(String(each.key), cause('x'), now, each.low ? 'low' : 'high');
            owed.add(String(each.key));
          } else if (each.do === 'take') take();
          else if (each.do === 'pass') now += each.time;
          else {
            const key = running.shift();
            if (key !== undefined) queue.finish(key, each.verdict, now);
          }
        }
        for (const key of running.splice(0)) queue.finish(key, SETTLED, now);
        while (take()) queue.finish(running.pop() ?? '', SETTLED, now);
        expect([...owed]).toEqual([]);
      }),
    );
  });
});
