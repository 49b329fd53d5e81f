import { encodeKeyValue } from '../wire/codec/key-value.ts';
import type { Change } from './key-history.ts';

/**
 * Keeps encoded pairs in memory up to a budget. When it is exceeded, the oldest entries go first, but what was used since the
 * last look gets another round (the clock algorithm), so a hit costs one flag.
 */
export class ValueCache {
  readonly #budget: number;
  readonly #read: (changeId: number) => Uint8Array;
  readonly #entries = new Set<Change>();
  #bytes = 0;

  /** `read` fetches a value that is not in memory. */
  constructor(budget: number, read: (changeId: number) => Uint8Array) {
    this.#budget = budget;
    this.#read = read;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The mvccpb.KeyValue of a change that is not a deletion. */
  encoded(change: Change): Buffer {
    if (change.encoded !== undefined) {
      change.recentlyUsed = true;
      return change.encoded;
    }
    const encoded = encodeKeyValue(change, this.#read(change.id));
    change.encoded = encoded;
    this.admit(change);
    return encoded;
  }

  /** Takes charge of the bytes that a committed change holds. */
  admit(change: Change): void {
    if (change.encoded === undefined || this.#entries.has(change)) return;
    this.#entries.add(change);
    this.#bytes += change.encoded.length;
    if (this.#bytes > this.#budget) this.#evict();
  }

  /** The change is gone; nobody will ask for it. */
  forget(change: Change): void {
    if (this.#entries.delete(change)) this.#bytes -= change.encoded?.length ?? 0;
    change.encoded = undefined;
  }

  #evict(): void {
    for (const change of this.#entries) {
      this.#entries.delete(change);
      if (change.recentlyUsed) {
        change.recentlyUsed = false;
        this.#entries.add(change);
        continue;
      }
      this.#bytes -= change.encoded?.length ?? 0;
      change.encoded = undefined;
      if (this.#bytes <= this.#budget) return;
    }
  }
}
