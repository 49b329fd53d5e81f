import { LeaseTable } from '../lease/lease-table.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { Storage } from '../storage/storage.ts';
import { compacted, corrupt, futureRevision } from '../wire/etcd-errors.ts';
import { KeyValue } from '../wire/messages/kv.ts';
import type { Batch } from './batch.ts';
import { ChangeLog } from './change-log.ts';
import type { Change } from './key-history.ts';
import { KeyTree } from './key-tree.ts';
import { ValueCache } from './value-cache.ts';

/** Told of each commit, after it can be read. */
export type CommitListener = (changes: readonly Change[]) => void;

export interface StoreOptions {
  storage: Storage;
  clock: Clock;
  log: Logger;
  /** Bytes of encoded pairs kept in memory. */
  cacheBytes: number;
}

/**
 * The multi-version state in memory: every remembered revision of every key without its value, the leases, and the numbers that
 * order everything.
 *
 * Writes are applied here before they are committed, at revisions above `revision`. Readers never look above it, so an
 * uncommitted write is invisible without being kept apart; a failed commit takes its changes out again.
 */
export class Store {
  readonly tree = new KeyTree();
  readonly log = new ChangeLog();
  readonly leases = new LeaseTable();
  readonly cache: ValueCache;
  readonly storage: Storage;
  readonly clock: Clock;
  /** The newest committed revision. An empty store is at 1, as etcd's is. */
  revision = 1;
  /** Reads below this revision are refused. 0: never compacted. */
  compactRevision = 0;
  /** The newest revision that was given to a write, committed or not. */
  assignedRevision = 1;
  nextChangeId = 1;
  nextKeyId = 1;
  readonly #listeners: CommitListener[] = [];
  readonly #log: Logger;

  constructor(options: StoreOptions) {
    this.storage = options.storage;
    this.clock = options.clock;
    this.#log = options.log;
    this.cache = new ValueCache(options.cacheBytes, (id) => this.#readValue(id));
  }

  onCommit(listener: CommitListener): void {
    this.#listeners.push(listener);
  }

  /** Which revision a request at `requested` (0: the newest) reads, if the newest for it is `newest`. */
  readRevision(requested: number, newest: number): number {
    if (requested > newest) throw futureRevision();
    if (requested <= 0) return newest;
    if (requested < this.compactRevision) throw compacted();
    return requested;
  }

  /** The bare value of a change that is not a deletion. */
  value(change: Change): Buffer {
    return KeyValue.decode(this.cache.encoded(change)).value;
  }

  /** Makes a committed batch visible. */
  publish(batch: Batch): void {
    this.revision = this.assignedRevision;
    if (batch.changes.length === 0) return;
    const changes = batch.changes.map(({ change }) => change);
    for (const change of changes) {
      this.log.append(change);
      this.tree.setLive(change.history, !change.isDeletion);
    }
    for (const listener of this.#listeners) listener(changes);
    // Only now, so that listeners find the bytes in memory. What was replaced is read rarely from here on.
    for (const change of changes) {
      const replaced = change.history.before(change);
      if (replaced !== undefined) this.cache.forget(replaced);
      this.cache.admit(change);
    }
  }

  #readValue(changeId: number): Uint8Array {
    try {
      return this.storage.value(changeId);
    } catch (error) {
      this.#log.error('a value cannot be read', { changeId, error });
      throw corrupt();
    }
  }
}
