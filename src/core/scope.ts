/**
 * The lifetime of something long-lived: what is opened inside it is closed in reverse order of opening, once.
 * Wraps AsyncDisposableStack with the AbortSignal that everything in the scope watches.
 */
export class Scope implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #controller = new AbortController();
  #closing: Promise<void> | undefined;

  /** `parent` ending aborts `signal`; the scope's owner still has to dispose it. */
  constructor(parent?: AbortSignal) {
    if (parent === undefined) return;
    const onAbort = (): void => this.#controller.abort(parent.reason);
    if (parent.aborted) onAbort();
    else {
      parent.addEventListener('abort', onAbort, { once: true });
      this.#stack.defer(() => parent.removeEventListener('abort', onAbort));
    }
  }

  /** Aborts when the scope begins to close. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Takes over a resource; returns it. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    return this.#stack.use(resource);
  }

  /** Runs `close` when the scope ends. */
  defer(close: () => void | PromiseLike<void>): void {
    this.#stack.defer(close);
  }

  /** Safe to call repeatedly; every caller waits for the same end. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#controller.abort(new DOMException('the scope has ended', 'AbortError'));
    await this.#stack.disposeAsync();
  }
}
