import { compacted, futureRevision, leaseExists, leaseNotFound } from '../wire/etcd-errors.ts';
import { encodeKeyValue } from '../wire/codec/key-value.ts';
import type { Lease } from '../lease/lease-table.ts';
import type { Batch } from './batch.ts';
import { Change, KeyHistory, NO_LEASE } from './key-history.ts';
import type { KeyRange } from './key-range.ts';
import type { Store } from './store.ts';

const NOTHING = new Uint8Array();

/**
 * One transaction being evaluated: its writes are applied to the store at once, at a revision that nobody reads yet, and are
 * recorded in the batch that will make them durable. All of them share one revision.
 */
export class Draft {
  readonly store: Store;
  readonly #batch: Batch;
  readonly #base: number;
  #changes = 0;

  constructor(store: Store, batch: Batch) {
    this.store = store;
    this.#batch = batch;
    this.#base = store.assignedRevision;
  }

  /** The newest revision that this transaction sees: its own once it has changed something. */
  get revision(): number {
    return this.#changes === 0 ? this.#base : this.#base + 1;
  }

  /** The pair under `key` as this transaction sees it. */
  get(key: string): Change | undefined {
    return this.store.tree.get(key)?.liveAt(this.revision);
  }

  put(key: string, value: Uint8Array, lease: bigint): void {
    const history = this.store.tree.get(key) ?? this.#addKey(key);
    const previous = history.changes.at(-1);
    const exists = previous !== undefined && !previous.isDeletion;
    const revision = this.#base + 1;
    const fields = {
      key,
      createRevision: exists ? previous.createRevision : revision,
      modRevision: revision,
      version: exists ? previous.version + 1 : 1,
      lease,
    };
    const encoded = encodeKeyValue(fields, value);
    this.#apply(
      new Change(this.store.nextChangeId, history, revision, fields.createRevision, fields.version, lease, encoded),
      value,
    );
    if (exists) this.#detach(previous);
    if (lease !== NO_LEASE) this.#attach(lease, key);
  }

  /** Deletes the pairs of a range and returns what they were. */
  deleteRange(range: KeyRange): Change[] {
    const doomed: Change[] = [];
    const newest = this.revision;
    this.store.tree.scan(range, (history) => {
      const change = history.liveAt(newest);
      if (change !== undefined) doomed.push(change);
      return true;
    });
    for (const change of doomed) {
      this.#apply(new Change(this.store.nextChangeId, change.history, this.#base + 1, 0, 0, NO_LEASE), NOTHING);
      this.#detach(change);
    }
    return doomed;
  }

  lease(id: bigint): Lease {
    const lease = this.store.leases.get(id);
    if (lease === undefined) throw leaseNotFound();
    return lease;
  }

  grantLease(id: bigint, ttl: number): Lease {
    const { clock, leases } = this.store;
    if (leases.get(id) !== undefined) throw leaseExists();
    const lease: Lease = { id, ttl, deadline: clock.monotonic() + ttl * 1000, keys: new Set() };
    leases.add(lease);
    this.#batch.onRollback(() => leases.remove(lease));
    this.#batch.setLease(id, { id, ttl, expiresAt: clock.now() + ttl * 1000 });
    return lease;
  }

  /** Gives a lease its full time to live again. */
  renewLease(id: bigint): Lease {
    const { clock, leases } = this.store;
    const lease = this.lease(id);
    const before = lease.deadline;
    leases.setDeadline(lease, clock.monotonic() + lease.ttl * 1000);
    this.#batch.onRollback(() => leases.setDeadline(lease, before));
    this.#batch.setLease(id, { id, ttl: lease.ttl, expiresAt: clock.now() + lease.ttl * 1000 });
    return lease;
  }

  /** Ends a lease and deletes the keys attached to it. */
  revokeLease(id: bigint): void {
    const lease = this.lease(id);
    for (const key of [...lease.keys].sort()) this.deleteRange({ start: key, end: `${key}\0`, single: true });
    this.store.leases.remove(lease);
    this.#batch.onRollback(() => this.store.leases.add(lease));
    this.#batch.setLease(id, undefined);
  }

  /** Refuses reads below `revision` from now on. What became useless is removed later, in slices. */
  compact(revision: number): void {
    const before = this.store.compactRevision;
    if (revision <= before) throw compacted();
    if (revision > this.#base) throw futureRevision();
    const inBatch = this.#batch.compactRevision;
    this.store.compactRevision = revision;
    this.#batch.compactRevision = revision;
    this.#batch.onRollback(() => {
      this.store.compactRevision = before;
      this.#batch.compactRevision = inBatch;
    });
  }

  #addKey(key: string): KeyHistory {
    const history = new KeyHistory(this.store.nextKeyId++, key);
    this.store.tree.add(history);
    this.#batch.onRollback(() => this.store.tree.remove(history));
    this.#batch.addKey(history);
    return history;
  }

  #apply(change: Change, value: Uint8Array): void {
    const { store } = this;
    store.nextChangeId++;
    store.assignedRevision = change.revision;
    this.#changes++;
    change.history.changes.push(change);
    this.#batch.onRollback(() => {
      change.history.changes.pop();
      store.assignedRevision = this.#base;
      this.#changes = 0;
    });
    this.#batch.add(change, value);
  }

  #attach(lease: bigint, key: string): void {
    this.store.leases.attach(lease, key);
    this.#batch.onRollback(() => this.store.leases.detach(lease, key));
  }

  /** Takes the key of a pair that has been replaced off the lease that it was attached to. */
  #detach(change: Change): void {
    if (change.lease === NO_LEASE) return;
    this.store.leases.detach(change.lease, change.key);
    this.#batch.onRollback(() => this.store.leases.attach(change.lease, change.key));
  }
}
