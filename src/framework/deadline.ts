import type { Clock } from '../core/clock.ts';

/** A signal that aborts when its parent does or when its time is up, whichever is first. Dispose it as soon as the work is done. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: Disposable;
  readonly #parent: AbortSignal | undefined;
  readonly #onParentAbort = (): void => this.#controller.abort(this.#parent?.reason);

  /** `onExpiry` makes the reason to abort with after `delay` ms. */
  constructor(clock: Clock, delay: number, parent: AbortSignal | undefined, onExpiry: () => Error) {
    this.#parent = parent;
    this.#timer = clock.timer(delay, () => this.#controller.abort(onExpiry()));
    if (parent?.aborted === true) this.#onParentAbort();
    else parent?.addEventListener('abort', this.#onParentAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    this.#parent?.removeEventListener('abort', this.#onParentAbort);
  }
}

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts; `work` itself goes on. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
