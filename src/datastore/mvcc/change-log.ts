import type { Change } from './key-history.ts';

/** The committed changes since the compaction revision, in order: what watches that start in the past are served from. */
export class ChangeLog {
  #changes: Change[] = [];
  /** Index of the first change that has not been dropped. */
  #first = 0;

  get length(): number {
    return this.#changes.length - this.#first;
  }

  append(change: Change): void {
    this.#changes.push(change);
  }

  /** The oldest change that is still held. */
  oldest(): Change | undefined {
    return this.#changes[this.#first];
  }

  dropOldest(): void {
    this.#first++;
    // Moving the rest down costs its length, so it is done only when as much has been dropped.
    if (this.#first >= 1024 && this.#first * 2 >= this.#changes.length) {
      this.#changes = this.#changes.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Visits the changes at and after `revision` in order until `visit` returns false. */
  scan(revision: number, visit: (change: Change) => boolean): void {
    let low = this.#first;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle] as Change).revision < revision) low = middle + 1;
      else high = middle;
    }
    for (; low < this.#changes.length; low++) if (!visit(this.#changes[low] as Change)) return;
  }
}
