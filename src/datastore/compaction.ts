import type { Change } from './mvcc/key-history.ts';
import type { Store } from './mvcc/store.ts';

/** Records erased at a time, so that writes never wait long for a slice. */
const SLICE = 500;

/**
 * Removes what compaction has made unreachable. A change becomes useless when one that replaced it is at or below the compaction
 * revision, a deletion when it is below; a deletion exactly at it stays, because a watch may start there. So it is enough to
 * follow the log from its oldest change: each one tells what it replaced, and the cost is that of the history removed.
 */
export class Compactor {
  readonly #store: Store;
  /** Found when the store was loaded: left over from a compaction that was interrupted. */
  #leftoverChanges: readonly number[];
  #leftoverKeys: readonly number[];
  /** The compaction revision for which nothing is left to erase. */
  #doneUpTo = 0;
  #waiters: (() => void)[] = [];

  constructor(store: Store, leftoverChanges: readonly number[], leftoverKeys: readonly number[]) {
    this.#store = store;
    this.#leftoverChanges = leftoverChanges;
    this.#leftoverKeys = leftoverKeys;
  }

  /** Resolves when everything below the compaction revision of now has been erased. */
  finished(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Erases one slice; returns whether there is more. */
  async step(): Promise<boolean> {
    const more = (await this.#eraseLeftovers()) || (await this.#eraseHistory());
    if (!more) {
      const waiters = this.#waiters;
      this.#waiters = [];
      for (const resolve of waiters) resolve();
    }
    return more;
  }

  async #eraseLeftovers(): Promise<boolean> {
    if (this.#leftoverChanges.length === 0 && this.#leftoverKeys.length === 0) return false;
    await this.#store.storage.erase({
      changeIds: this.#leftoverChanges.slice(0, SLICE),
      keyIds: this.#leftoverKeys.slice(0, SLICE),
    });
    this.#leftoverChanges = this.#leftoverChanges.slice(SLICE);
    this.#leftoverKeys = this.#leftoverKeys.slice(SLICE);
    return true;
  }

  async #eraseHistory(): Promise<boolean> {
    const { compactRevision, log } = this.#store;
    if (compactRevision === this.#doneUpTo) return false;
    const doomed = new Set<Change>();
    let followed = 0;
    log.scan(0, (change) => {
      if (change.revision > compactRevision || doomed.size >= SLICE) return false;
      // Earlier changes of the key were followed before, so the one that it replaced is the oldest that is left.
      const replaced = change.history.before(change);
      if (replaced !== undefined) doomed.add(replaced);
      if (change.revision === compactRevision) return true;
      if (change.isDeletion) doomed.add(change);
      followed++;
      return true;
    });
    if (followed === 0 && doomed.size === 0) {
      this.#doneUpTo = compactRevision;
      return false;
    }
    const emptied = new Set([...doomed].map((change) => change.history));
    for (const history of emptied) {
      if (!history.changes.every((change) => doomed.has(change))) emptied.delete(history);
    }
    await this.#store.storage.erase({
      changeIds: [...doomed].map((change) => change.id),
      keyIds: [...emptied].map((history) => history.id),
    });
    this.#forget(doomed, followed);
    return true;
  }

  #forget(doomed: ReadonlySet<Change>, followed: number): void {
    const { cache, log, tree } = this.#store;
    for (const change of doomed) {
      const { changes } = change.history;
      changes.splice(changes.indexOf(change), 1);
      cache.forget(change);
      if (changes.length === 0) tree.remove(change.history);
    }
    for (let dropped = 0; dropped < followed; dropped++) log.dropOldest();
  }
}
