import { InconsistentRecords, type Storage } from '../storage/storage.ts';
import { Change, KeyHistory, NO_LEASE } from './key-history.ts';
import type { Store } from './store.ts';

/** What a compaction that was interrupted has left in the storage. */
export interface Leftovers {
  readonly changeIds: readonly number[];
  readonly keyIds: readonly number[];
}

/** Fills an empty store from its storage. */
export function load(store: Store): Leftovers {
  const { storage } = store;
  store.compactRevision = storage.compactRevision;
  loadLeases(store);
  const keys = new Map<number, KeyHistory>();
  for (const { id, key } of storage.keys()) {
    keys.set(id, new KeyHistory(id, key));
    store.nextKeyId = Math.max(store.nextKeyId, id + 1);
  }
  const changeIds = loadChanges(store, storage, keys);
  const keyIds: number[] = [];
  for (const history of keys.values()) {
    const newest = history.changes.at(-1);
    if (newest === undefined) {
      keyIds.push(history.id);
      continue;
    }
    history.live = !newest.isDeletion;
    store.tree.add(history);
    if (history.live && newest.lease !== NO_LEASE) store.leases.attach(newest.lease, history.key);
  }
  return { changeIds, keyIds };
}

/** Returns the ids of changes that nothing can reach any more. */
function loadChanges(store: Store, storage: Storage, keys: ReadonlyMap<number, KeyHistory>): number[] {
  const unreachable: Change[] = [];
  let revision = Math.max(1, store.compactRevision);
  let previous = 0;
  for (const stored of storage.changes()) {
    const history = keys.get(stored.keyId);
    if (history === undefined)
      throw new InconsistentRecords(`change ${stored.id} is of key ${stored.keyId}, which is missing`);
    if (stored.revision < previous) throw new InconsistentRecords(`change ${stored.id} is older than those before it`);
    previous = stored.revision;
    const { id, createRevision, version, lease } = stored;
    const change = new Change(id, history, stored.revision, createRevision, version, lease);
    history.changes.push(change);
    if (change.revision >= store.compactRevision) store.log.append(change);
    else unreachable.push(...history.changes.splice(0, history.changes.length - (change.isDeletion ? 0 : 1)));
    revision = Math.max(revision, change.revision);
    store.nextChangeId = id + 1;
  }
  store.revision = revision;
  store.assignedRevision = revision;
  return unreachable.map((change) => change.id);
}

/** A deadline that lies further away than the lease's whole life means that the clock was set back: the lease starts anew. */
function loadLeases(store: Store): void {
  const now = store.clock.now();
  for (const { id, ttl, expiresAt } of store.storage.leases()) {
    const left = Math.min(Math.max(expiresAt - now, 0), ttl * 1000);
    store.leases.add({ id, ttl, deadline: store.clock.monotonic() + left, keys: new Set() });
  }
}
