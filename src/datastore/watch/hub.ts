import type { Change } from '../mvcc/key-history.ts';
import type { Store } from '../mvcc/store.ts';
import { WatchedEvent } from './watched-event.ts';
import type { Watcher } from './watcher.ts';

/**
 * Brings each commit to the watchers that want it. Watchers of one key and of one folder (a prefix that ends in "/") are found
 * by looking the event's key and folders up; only those of other ranges are asked one by one.
 */
export class WatchHub {
  readonly #store: Store;
  readonly #byKey = new Map<string, Set<Watcher>>();
  readonly #byFolder = new Map<string, Set<Watcher>>();
  readonly #others = new Set<Watcher>();
  #count = 0;

  constructor(store: Store) {
    this.#store = store;
    store.onCommit((changes) => this.#publish(changes));
  }

  /** Watches that are open. */
  get size(): number {
    return this.#count;
  }

  add(watcher: Watcher): void {
    this.#count++;
    this.#bucketFor(watcher).add(watcher);
  }

  remove(watcher: Watcher): void {
    this.#count--;
    this.#bucketFor(watcher).delete(watcher);
    const { range } = watcher.options;
    const folder = folderOf(watcher);
    if (range.single && this.#byKey.get(range.start)?.size === 0) this.#byKey.delete(range.start);
    else if (folder !== undefined && this.#byFolder.get(folder)?.size === 0) this.#byFolder.delete(folder);
  }

  #publish(changes: readonly Change[]): void {
    if (this.#count === 0) return;
    const touched = new Set<Watcher>();
    for (const change of changes) {
      let event: WatchedEvent | undefined;
      const offer = (watcher: Watcher): void => {
        if (watcher.behindFrom !== undefined || !watcher.wants(change)) return;
        event ??= new WatchedEvent(this.#store, change);
        watcher.pending.push(event);
        touched.add(watcher);
      };
      this.#byKey.get(change.key)?.forEach(offer);
      if (this.#byFolder.size > 0) {
        for (let end = change.key.indexOf('/'); end >= 0; end = change.key.indexOf('/', end + 1)) {
          this.#byFolder.get(change.key.slice(0, end + 1))?.forEach(offer);
        }
      }
      this.#others.forEach(offer);
    }
    for (const watcher of touched) watcher.owner.deliver(watcher);
  }

  #bucketFor(watcher: Watcher): Set<Watcher> {
    const { range } = watcher.options;
    const folder = folderOf(watcher);
    if (range.single) return bucket(this.#byKey, range.start);
    return folder === undefined ? this.#others : bucket(this.#byFolder, folder);
  }
}

function bucket(buckets: Map<string, Set<Watcher>>, name: string): Set<Watcher> {
  let found = buckets.get(name);
  if (found === undefined) buckets.set(name, (found = new Set()));
  return found;
}

/** The prefix that the watcher's range is, if it ends in "/": [".../", "...0"), since "0" follows "/". */
function folderOf(watcher: Watcher): string | undefined {
  const { start, end, single } = watcher.options.range;
  return !single && start.endsWith('/') && end === `${start.slice(0, -1)}0` ? start : undefined;
}
