import type { Clock } from '../core/clock.ts';

/**
 * Ends a connection on which no request is under way for too long. Only a complete request head counts: a client that drips
 * bytes of a header, or does not get through its handshake, is as quiet as one that sends nothing.
 */
export class QuietLimit implements Disposable {
  readonly #clock: Clock;
  readonly #idle: number;
  readonly #close: () => void;
  #timer: Disposable | undefined;
  #underWay = 0;
  #disposed = false;

  /** `first`: milliseconds until the first request; `idle`: milliseconds between one request's end and the next. */
  constructor(clock: Clock, limits: { readonly first: number; readonly idle: number }, close: () => void) {
    this.#clock = clock;
    this.#idle = limits.idle;
    this.#close = close;
    this.#arm(limits.first);
  }

  /** Requests that have begun and not ended. */
  get underWay(): number {
    return this.#underWay;
  }

  begin(): void {
    this.#underWay++;
    this.#disarm();
  }

  end(): void {
    this.#underWay--;
    if (this.#underWay === 0 && !this.#disposed) this.#arm(this.#idle);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#disarm();
  }

  #arm(limit: number): void {
    this.#timer = this.#clock.timer(limit, this.#close);
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
