import type { Change } from './mvcc/key-history.ts';
import type { Store } from './mvcc/store.ts';

/** Records erased at a time, so that writes never wait long for a slice. */
const SLICE = 500;

/**
 * Removes what compaction has made unreachable: deletions below the compaction revision, and what a change below it replaced.
 * Changes exactly at it stay with what they replaced, because a watch may start there and wants the previous pairs. So it is
 * enough to follow the log from its oldest change up to that revision, and the cost is that of the history removed.
 *
 * Records leave memory before they leave the storage, so that nobody looks for a value that is gone. What could not be erased is
 * tried again, after a restart too, because loading finds the same records useless.
 */
export class Compactor {
  readonly #store: Store;
  /** Forgotten already, and to be erased. */
  #changeIds: readonly number[];
  #keyIds: readonly number[];
  /** The compaction revision for which the log has been followed to its end. */
  #doneUpTo = 0;
  #waiters: (() => void)[] = [];

  /** The ids are those that loading has found useless. */
  constructor(store: Store, changeIds: readonly number[], keyIds: readonly number[]) {
    this.#store = store;
    this.#changeIds = changeIds;
    this.#keyIds = keyIds;
  }

  /** Resolves when everything below the compaction revision of now has been erased. */
  finished(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Erases one slice; returns whether there may be more. */
  async step(): Promise<boolean> {
    if (this.#nothingToErase()) this.#forgetSlice();
    if (this.#nothingToErase()) {
      const waiters = this.#waiters;
      this.#waiters = [];
      for (const resolve of waiters) resolve();
      return false;
    }
    await this.#store.storage.erase({
      changeIds: this.#changeIds.slice(0, SLICE),
      keyIds: this.#keyIds.slice(0, SLICE),
    });
    this.#changeIds = this.#changeIds.slice(SLICE);
    this.#keyIds = this.#keyIds.slice(SLICE);
    return true;
  }

  #nothingToErase(): boolean {
    return this.#changeIds.length === 0 && this.#keyIds.length === 0;
  }

  /** Takes the next slice of useless changes out of memory. */
  #forgetSlice(): void {
    const { compactRevision, log } = this.#store;
    if (compactRevision === this.#doneUpTo) return;
    const doomed = new Set<Change>();
    let followed = 0;
    log.scan(0, (change) => {
      if (change.revision >= compactRevision || doomed.size >= SLICE) return false;
      // Earlier changes of the key were followed before, so the one that it replaced is the oldest that is left.
      const replaced = change.history.before(change);
      if (replaced !== undefined) doomed.add(replaced);
      if (change.isDeletion) doomed.add(change);
      followed++;
      return true;
    });
    if (followed === 0 && doomed.size === 0) this.#doneUpTo = compactRevision;
    for (let dropped = 0; dropped < followed; dropped++) log.dropOldest();
    this.#changeIds = [...doomed].map((change) => change.id);
    this.#keyIds = [...doomed].flatMap((change) => this.#forget(change));
  }

  /** Returns the id of the key if this was all that was known of it. */
  #forget(change: Change): number[] {
    const { cache, tree } = this.#store;
    const { history } = change;
    history.changes.splice(history.changes.indexOf(change), 1);
    cache.forget(change);
    if (history.changes.length > 0) return [];
    tree.remove(history);
    return [history.id];
  }
}
