import type { KeyHistory } from './key-history.ts';
import type { KeyRange } from './key-range.ts';

/** A leaf is split at this size; small enough that inserting into its array is cheap. */
const LEAF_CAPACITY = 256;

interface Leaf {
  /** In order of the key; never empty, except in the only leaf. */
  entries: KeyHistory[];
  /** How many of the entries are live. */
  live: number;
}

/**
 * All keys in byte order, as a list of leaves. Each leaf counts its live keys, so that counting a range looks at the two leaves
 * at its ends and adds up those between.
 */
export class KeyTree {
  readonly #leaves: Leaf[] = [{ entries: [], live: 0 }];
  #size = 0;

  /** Keys held, live or remembered only. */
  get size(): number {
    return this.#size;
  }

  get(key: string): KeyHistory | undefined {
    const entries = this.#leafFor(key).entries;
    const found = entries[position(entries, key)];
    return found?.key === key ? found : undefined;
  }

  /** Adds a key that is not in the tree. */
  add(history: KeyHistory): void {
    const index = this.#leafIndex(history.key);
    const leaf = this.#leaves[index] as Leaf;
    leaf.entries.splice(position(leaf.entries, history.key), 0, history);
    if (history.live) leaf.live++;
    this.#size++;
    if (leaf.entries.length > LEAF_CAPACITY) this.#split(index);
  }

  /** Removes a key that is in the tree. */
  remove(history: KeyHistory): void {
    const index = this.#leafIndex(history.key);
    const leaf = this.#leaves[index] as Leaf;
    leaf.entries.splice(position(leaf.entries, history.key), 1);
    if (history.live) leaf.live--;
    this.#size--;
    if (leaf.entries.length === 0 && this.#leaves.length > 1) this.#leaves.splice(index, 1);
  }

  setLive(history: KeyHistory, live: boolean): void {
    if (history.live === live) return;
    history.live = live;
    this.#leafFor(history.key).live += live ? 1 : -1;
  }

  /** Visits the keys of a range in order until `visit` returns false. */
  scan(range: KeyRange, visit: (history: KeyHistory) => boolean): void {
    for (let index = this.#leafIndex(range.start); index < this.#leaves.length; index++) {
      const { entries } = this.#leaves[index] as Leaf;
      for (let at = position(entries, range.start); at < entries.length; at++) {
        const history = entries[at] as KeyHistory;
        if (range.end !== undefined && history.key >= range.end) return;
        if (!visit(history)) return;
      }
    }
  }

  /** Number of live keys in a range. */
  countLive(range: KeyRange): number {
    const { end } = range;
    if (end !== undefined && end <= range.start) return 0;
    const first = this.#leafIndex(range.start);
    const last = end === undefined ? this.#leaves.length - 1 : this.#leafIndex(end);
    let count = 0;
    for (let index = first; index <= last; index++) {
      const leaf = this.#leaves[index] as Leaf;
      if (index > first && index < last) {
        count += leaf.live;
        continue;
      }
      const from = index === first ? position(leaf.entries, range.start) : 0;
      const to = index === last && end !== undefined ? position(leaf.entries, end) : leaf.entries.length;
      for (let at = from; at < to; at++) if ((leaf.entries[at] as KeyHistory).live) count++;
    }
    return count;
  }

  #leafFor(key: string): Leaf {
    return this.#leaves[this.#leafIndex(key)] as Leaf;
  }

  /** The last leaf whose first key is not greater than `key`. */
  #leafIndex(key: string): number {
    let low = 0;
    let high = this.#leaves.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const first = (this.#leaves[middle] as Leaf).entries[0];
      if (first !== undefined && first.key <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #split(index: number): void {
    const leaf = this.#leaves[index] as Leaf;
    // Keys often arrive in ascending order; then a full left half wastes no space.
    const middle = index === this.#leaves.length - 1 ? Math.floor(LEAF_CAPACITY * 0.9) : LEAF_CAPACITY / 2;
    const entries = leaf.entries.splice(middle);
    const live = entries.filter((history) => history.live).length;
    leaf.live -= live;
    this.#leaves.splice(index + 1, 0, { entries, live });
  }
}

/** Index of the first entry whose key is not less than `key`. */
function position(entries: readonly KeyHistory[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as KeyHistory).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
