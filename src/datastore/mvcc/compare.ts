import { CompareResult, CompareTarget, type Compare } from '../wire/messages/kv.ts';
import { NO_LEASE, type Change } from './key-history.ts';
import { keyRange } from './key-range.ts';
import type { Store } from './store.ts';

/** Whether a transaction's condition holds at `revision` for every pair in its range, or for the missing pair if there is none. */
export function holds(store: Store, comparison: Compare, revision: number): boolean {
  const range = keyRange(comparison.key, comparison.rangeEnd);
  let met = true;
  let found = false;
  const visit = (change: Change): boolean => {
    found = true;
    met = matches(comparison, order(store, comparison, change));
    return met;
  };
  if (range.single) {
    const change = store.tree.get(range.start)?.liveAt(revision);
    if (change !== undefined) visit(change);
  } else {
    store.tree.scan(range, (history) => {
      const change = history.liveAt(revision);
      return change === undefined || visit(change);
    });
  }
  if (found) return met;
  // A missing pair has no value that could equal or differ; its numbers are all 0.
  return comparison.target !== CompareTarget.VALUE && matches(comparison, order(store, comparison, undefined));
}

/** Less than, equal to or greater than 0, as the pair's property is less than, equal to or greater than the given one. */
function order(store: Store, comparison: Compare, change: Change | undefined): number {
  switch (comparison.target) {
    case CompareTarget.VERSION:
      return (change?.version ?? 0) - comparison.version;
    case CompareTarget.CREATE:
      return (change?.createRevision ?? 0) - comparison.createRevision;
    case CompareTarget.MOD:
      return (change?.modRevision ?? 0) - comparison.modRevision;
    case CompareTarget.VALUE:
      return change === undefined ? 0 : Buffer.compare(store.value(change), comparison.value);
    case CompareTarget.LEASE: {
      const lease = change?.lease ?? NO_LEASE;
      if (lease === comparison.lease) return 0;
      return lease < comparison.lease ? -1 : 1;
    }
    default:
      return 0;
  }
}

function matches(comparison: Compare, order: number): boolean {
  switch (comparison.result) {
    case CompareResult.EQUAL:
      return order === 0;
    case CompareResult.NOT_EQUAL:
      return order !== 0;
    case CompareResult.GREATER:
      return order > 0;
    case CompareResult.LESS:
      return order < 0;
    default:
      return true;
  }
}
