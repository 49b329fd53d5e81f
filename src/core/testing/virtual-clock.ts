import { sleepOn, type Clock } from '../clock.ts';

interface PendingTimer {
  due: number;
  order: number;
  fire: () => void;
}

/**
 * A clock that moves only when told to. `advance` fires timers in order of their due time (ties: order of setting) and lets
 * the promises that each one settles run before the next one fires, so a run is the same every time.
 */
export class VirtualClock implements Clock {
  #now: number;
  #elapsed = 0;
  #order = 0;
  #timers: PendingTimer[] = [];

  constructor(start: string | number = '2026-01-01T00:00:00Z') {
    this.#now = typeof start === 'number' ? start : Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** Timers not yet fired; a leak test asserts that this does not grow. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  timer(delay: number, fire: () => void): Disposable {
    const entry: PendingTimer = { due: this.#elapsed + Math.max(0, delay), order: this.#order++, fire };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle] as PendingTimer).due <= entry.due) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, entry);
    return {
      [Symbol.dispose]: () => {
        const at = this.#timers.indexOf(entry);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }

  sleep(delay: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delay, signal);
  }

  /** Moves time forward by `duration` ms, firing what falls due on the way; settles promises before and after each timer. */
  async advance(duration: number): Promise<void> {
    const end = this.#elapsed + duration;
    await settle();
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.due > end) break;
      this.#timers.shift();
      this.#moveTo(next.due);
      next.fire();
      await settle();
    }
    this.#moveTo(end);
  }

  /** Changes the wall clock without passing time, as an operator or NTP does. */
  jump(by: number): void {
    this.#now += by;
  }

  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

/** Lets every promise callback that is ready run, including those of promises that these settle. */
export async function settle(): Promise<void> {
  // setImmediate runs after the microtask queue is empty; a few turns let chains through streams and pipes end too.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
