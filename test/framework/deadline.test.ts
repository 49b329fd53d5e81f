import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { Deadline, unlessAborted } from '../../src/framework/deadline.ts';

const late = (): Error => new Error('late');

describe('Deadline', () => {
  test('aborts when its time is up', async () => {
    const clock = new VirtualClock();
    using deadline = new Deadline(clock, 1000, undefined, late);
    await clock.advance(999);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.reason).toEqual(late());
  });

  test('aborts with its parent, also when that was over before', () => {
    const parent = new AbortController();
    using before = new Deadline(new VirtualClock(), 1000, parent.signal, late);
    parent.abort(new Error('stopped'));
    using after = new Deadline(new VirtualClock(), 1000, parent.signal, late);
    expect([before.signal.reason, after.signal.reason]).toEqual([new Error('stopped'), new Error('stopped')]);
  });

  test('leaves neither a timer nor a listener behind', () => {
    const clock = new VirtualClock();
    const parent = new AbortController();
    const deadline = new Deadline(clock, 1000, parent.signal, late);
    deadline[Symbol.dispose]();
    parent.abort();
    expect([clock.pendingTimers, deadline.signal.aborted]).toEqual([0, false]);
  });
});

describe('unlessAborted', () => {
  test('settles as the work does', async () => {
    const { signal } = new AbortController();
    await expect(unlessAborted(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(unlessAborted(Promise.reject(late()), signal)).rejects.toThrow('late');
  });

  test('rejects when the signal aborts first, or has already', async () => {
    const controller = new AbortController();
    const never = new Promise(() => {});
    const pending = unlessAborted(never, controller.signal);
    controller.abort(late());
    await expect(pending).rejects.toThrow('late');
    await expect(unlessAborted(never, controller.signal)).rejects.toThrow('late');
  });
});
