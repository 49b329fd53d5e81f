import type { Random } from '../core/random.ts';

/** How long to wait before trying again: `base` ms doubling to `cap` ms, forgotten after `resetAfter` ms of health. */
export interface BackoffOptions {
  base: number;
  cap: number;
  resetAfter: number;
}

/** Counts the failures of one connection. Time comes in as an argument, so the delays depend on nothing else. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #failures = 0;
  #healthySince: number | undefined;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** Failures since the connection was last well for `resetAfter`. */
  get failures(): number {
    return this.#failures;
  }

  /** Tells that something worked; only the first success after a failure starts the healthy time. */
  succeeded(now: number): void {
    this.#healthySince ??= now;
  }

  /** Counts a failure; the delay is uniform between 0 and the exponential bound (full jitter), so clients spread out. */
  failed(now: number): number {
    if (this.#healthySince !== undefined && now - this.#healthySince >= this.#options.resetAfter) this.#failures = 0;
    this.#healthySince = undefined;
    const bound = Math.min(this.#options.cap, this.#options.base * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return this.#random.next() * bound;
  }
}
