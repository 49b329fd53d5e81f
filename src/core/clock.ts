/**
 * Time and all waiting. Nothing else in the code base reads the time or sets a timer, so that tests can run on virtual time.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump; use it for what people or certificates see. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never goes backwards. Use it for durations and deadlines. */
  monotonic(): number;
  /** Calls `fire` once after `delay` ms unless disposed first. A delay beyond 24.8 days is honoured. */
  timer(delay: number, fire: () => void): Disposable;
  /** Resolves after `delay` ms; rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(delay: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay that Node's timers take; longer waits are made of several. */
const LONGEST_TIMER = 2 ** 31 - 1;

class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  timer(delay: number, fire: () => void): Disposable {
    let handle: NodeJS.Timeout;
    const arm = (left: number): void => {
      handle =
        left > LONGEST_TIMER ? setTimeout(() => arm(left - LONGEST_TIMER), LONGEST_TIMER) : setTimeout(fire, left);
    };
    arm(Math.max(0, delay));
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  }

  sleep(delay: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delay, signal);
  }
}

/** `Clock.sleep` in terms of `Clock.timer`, for every implementation of the interface. */
export function sleepOn(clock: Pick<Clock, 'timer'>, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason);
    };
    const timer = clock.timer(delay, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The machine's clock. */
export const systemClock: Clock = new SystemClock();
