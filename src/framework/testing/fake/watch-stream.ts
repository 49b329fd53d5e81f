import type { WatchEvent } from '../../../cluster/client.ts';
import type { Stored } from './value.ts';

type Event = WatchEvent<Stored>;

/** The server's end of one watch: events go in, the client's iteration takes them out, in order. */
export class WatchStream {
  readonly #queue: Event[] = [];
  readonly #waiting: PromiseWithResolvers<IteratorResult<Event>>[] = [];
  readonly #ended = new AbortController();
  #held = false;
  #error: { thrown: unknown } | undefined;

  /** Aborts when the watch has ended, from whichever side. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get #closed(): boolean {
    return this.#ended.signal.aborted;
  }

  push(event: Event): void {
    if (this.#closed) return;
    this.#queue.push(event);
    this.#deliver();
  }

  /** While held, events pile up and the client hears nothing: a dead connection, or a slow one. */
  hold(held: boolean): void {
    this.#held = held;
    this.#deliver();
  }

  /** Ends the watch after what is queued; with `failed`, by throwing. What a silent connection held back is lost with it. */
  end(failed?: { thrown: unknown }): void {
    if (this.#closed) return;
    if (this.#held) this.#queue.length = 0;
    this.#error = failed;
    this.#ended.abort();
    this.#deliver();
  }

  /** The client has gone away. */
  cancel(failed?: { thrown: unknown }): void {
    this.#queue.length = 0;
    this.#held = false;
    this.end(failed);
  }

  next(): Promise<IteratorResult<Event>> {
    const waiting = Promise.withResolvers<IteratorResult<Event>>();
    this.#waiting.push(waiting);
    this.#deliver();
    return waiting.promise;
  }

  #deliver(): void {
    while (this.#waiting.length > 0 && !(this.#held && !this.#closed)) {
      const event = this.#queue.shift();
      if (event === undefined && !this.#closed) return;
      const waiting = this.#waiting.shift();
      if (event !== undefined) waiting?.resolve({ done: false, value: event });
      else if (this.#error === undefined) waiting?.resolve({ done: true, value: undefined });
      else {
        const { thrown } = this.#error;
        this.#error = undefined;
        waiting?.reject(thrown);
      }
    }
  }
}

/** An iteration that opens its stream with the first event asked for, and closes it when left. */
export function iterate(open: (signal: AbortSignal) => Promise<WatchStream>): AsyncIterable<Event> {
  return {
    [Symbol.asyncIterator]() {
      const left = new AbortController();
      let stream: Promise<WatchStream> | undefined;
      return {
        async next() {
          if (left.signal.aborted) return { done: true, value: undefined };
          stream ??= open(left.signal);
          return (await stream).next();
        },
        async return() {
          left.abort(new DOMException('the watch was left', 'AbortError'));
          await stream?.then(
            (opened) => opened.cancel(),
            () => {},
          );
          return { done: true, value: undefined };
        },
      };
    },
  };
}
