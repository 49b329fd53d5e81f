import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { Compactor } from './compaction.ts';
import { LeaseExpiry } from './lease/expiry.ts';
import { CommitQueue } from './mvcc/commit-queue.ts';
import { load } from './mvcc/load.ts';
import { Store } from './mvcc/store.ts';
import type { Storage } from './storage/storage.ts';
import { WatchHub } from './watch/hub.ts';

export interface EngineOptions {
  storage: Storage;
  clock: Clock;
  log: Logger;
  /** Bytes of encoded pairs kept in memory. */
  cacheBytes: number;
  /** Told once if the storage breaks; nothing is written from then on. */
  failed: (error: unknown) => void;
}

/** The datastore without its API: the state on a storage, and what changes it. Closing it lets accepted writes finish. */
export interface Engine extends AsyncDisposable {
  readonly store: Store;
  readonly queue: CommitQueue;
  readonly compactor: Compactor;
  readonly expiry: LeaseExpiry;
  readonly hub: WatchHub;
}

/** Loads what the storage holds and goes on from there. The storage stays the caller's. Throws what the storage throws. */
export function createEngine(options: EngineOptions): Engine {
  const { storage, clock, log, cacheBytes } = options;
  const store = new Store({ storage, clock, log, cacheBytes });
  const { changeIds, keyIds } = load(store);
  const compactor = new Compactor(store, changeIds, keyIds);
  const queue = new CommitQueue(store, log, options.failed);
  queue.addBackground(() => compactor.step());
  queue.addBackground(() => storage.maintain());
  queue.schedule();
  const expiry = new LeaseExpiry(store, queue, log);
  expiry.reschedule();
  return {
    store,
    queue,
    compactor,
    expiry,
    hub: new WatchHub(store),
    [Symbol.asyncDispose]: () => {
      expiry[Symbol.dispose]();
      return queue[Symbol.asyncDispose]();
    },
  };
}
