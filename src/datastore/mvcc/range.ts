import { SortOrder, SortTarget, type RangeRequest } from '../wire/messages/kv.ts';
import type { Change } from './key-history.ts';
import { keyRange, type KeyRange } from './key-range.ts';
import type { Store } from './store.ts';

export interface RangeResult {
  /** The newest revision at the time of the read, which is not the one that was read if the request named another. */
  readonly revision: number;
  readonly changes: readonly Change[];
  readonly keysOnly: boolean;
  /** The limit left pairs out. */
  readonly more: boolean;
  /** Pairs in the range, whatever the limit. */
  readonly count: number;
}

/** Reads what is committed. */
export function readCommitted(store: Store, request: RangeRequest): RangeResult {
  return readRange(store, request, store.revision);
}

/** Reads as of `newest`, or of an earlier revision if the request names one. Throws etcd's errors for those that cannot be read. */
export function readRange(store: Store, request: RangeRequest, newest: number): RangeResult {
  const revision = store.readRevision(request.revision, newest);
  const range = keyRange(request.key, request.rangeEnd);
  const { keysOnly, limit } = request;
  if (request.countOnly) {
    return { revision: newest, changes: [], keysOnly, more: false, count: count(store, range, revision) };
  }
  const inKeyOrder = request.sortTarget === SortTarget.KEY && request.sortOrder !== SortOrder.DESCEND;
  // As in etcd: where no order is asked for, the limit cuts before anything is sorted.
  const limitFirst = inKeyOrder || request.sortOrder === SortOrder.NONE;
  const fetchLimit = limit > 0 && limitFirst && !hasRevisionFilter(request) ? limit + 1 : Infinity;
  let changes = select(store, range, revision, fetchLimit);
  const total = changes.length < fetchLimit ? changes.length : count(store, range, revision);
  if (hasRevisionFilter(request)) changes = changes.filter((change) => passes(change, request));
  if (!inKeyOrder) changes = sorted(store, changes, request);
  const more = limit > 0 && changes.length > limit;
  return { revision: newest, changes: more ? changes.slice(0, limit) : changes, keysOnly, more, count: total };
}

function select(store: Store, range: KeyRange, revision: number, limit: number): Change[] {
  if (range.single) {
    const change = store.tree.get(range.start)?.liveAt(revision);
    return change === undefined ? [] : [change];
  }
  const found: Change[] = [];
  store.tree.scan(range, (history) => {
    const change = history.liveAt(revision);
    if (change !== undefined) found.push(change);
    return found.length < limit;
  });
  return found;
}

function count(store: Store, range: KeyRange, revision: number): number {
  // The tree counts what is live at the newest committed revision, provided that nothing uncommitted is to be seen.
  if (revision === store.revision) return store.tree.countLive(range);
  let live = 0;
  store.tree.scan(range, (history) => {
    if (history.liveAt(revision) !== undefined) live++;
    return true;
  });
  return live;
}

function hasRevisionFilter(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

function passes(change: Change, request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (
    (minModRevision === 0 || change.modRevision >= minModRevision) &&
    (maxModRevision === 0 || change.modRevision <= maxModRevision) &&
    (minCreateRevision === 0 || change.createRevision >= minCreateRevision) &&
    (maxCreateRevision === 0 || change.createRevision <= maxCreateRevision)
  );
}

function sorted(store: Store, changes: Change[], request: RangeRequest): Change[] {
  const direction = request.sortOrder === SortOrder.DESCEND ? -1 : 1;
  if (request.sortTarget === SortTarget.VALUE) {
    return changes
      .map((change) => ({ change, value: store.value(change) }))
      .sort((a, b) => direction * Buffer.compare(a.value, b.value))
      .map(({ change }) => change);
  }
  const rank = RANK[request.sortTarget];
  if (rank === undefined) return changes.sort((a, b) => direction * (a.key < b.key ? -1 : 1));
  return changes.sort((a, b) => direction * (rank(a) - rank(b)));
}

const RANK: Readonly<Record<number, (change: Change) => number>> = {
  [SortTarget.VERSION]: (change) => change.version,
  [SortTarget.CREATE]: (change) => change.createRevision,
  [SortTarget.MOD]: (change) => change.modRevision,
};
