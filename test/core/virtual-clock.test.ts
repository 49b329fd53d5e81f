import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';

describe('VirtualClock', () => {
  test('fires timers in order of their due time, and those due at once in the order they were set', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.timer(20, () => fired.push('late'));
    clock.timer(10, () => fired.push('early, set first'));
    clock.timer(10, () => fired.push('early, set second'));
    await clock.advance(20);
    expect(fired).toEqual(['early, set first', 'early, set second', 'late']);
  });

  test('lets what a timer settles run before the next timer fires', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await clock.sleep(1000);
        seen.push(clock.now());
      }
    };
    const done = loop();
    await clock.advance(10_000);
    await done;
    expect(seen).toEqual([1000, 2000, 3000]);
    expect(clock.now()).toBe(10_000);
  });

  test('rejects a sleep with the reason of its signal and forgets its timer', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(1000, controller.signal);
    controller.abort(new Error('shutting down'));
    await expect(sleeping).rejects.toThrow('shutting down');
    expect(clock.pendingTimers).toBe(0);
  });

  test('jumps the wall clock without passing time', async () => {
    const clock = new VirtualClock(0);
    let fired = false;
    clock.timer(1000, () => (fired = true));
    clock.jump(1_000_000);
    await clock.advance(999);
    expect(fired).toBe(false);
    expect(clock.now()).toBe(1_000_999);
    expect(clock.monotonic()).toBe(999);
  });
});
