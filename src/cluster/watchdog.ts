import type { Clock } from '../core/clock.ts';

export interface WatchdogOptions {
  clock: Clock;
  /** Milliseconds without a sign of life that mean death; may change as it lives. */
  idle: () => number;
  /** Milliseconds after which it counts as dead, whatever it said. */
  limit: number;
  onDead: () => void;
}

/** Notices that a connection has fallen silent. A sign of life costs no timer, so there may be any number of them. */
export class Watchdog implements Disposable {
  readonly #options: WatchdogOptions;
  readonly #startedAt: number;
  #heardAt: number;
  #timer: Disposable | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
    this.#heardAt = this.#startedAt;
    this.#arm();
  }

  /** There was a sign of life at `now`, monotonic. */
  heard(now: number): void {
    this.#heardAt = now;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #arm(): void {
    const { clock, idle, limit, onDead } = this.#options;
    const left = Math.min(this.#heardAt + idle(), this.#startedAt + limit) - clock.monotonic();
    if (left > 0) this.#timer = clock.timer(left, () => this.#arm());
    else onDead();
  }
}
