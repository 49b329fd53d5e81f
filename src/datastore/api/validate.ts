import { contains, keyRange, type KeyRange } from '../mvcc/key-range.ts';
import {
  duplicateKey,
  emptyKey,
  invalidSortOption,
  keyNotFound,
  leaseProvided,
  tooManyOperations,
  valueProvided,
} from '../wire/etcd-errors.ts';
import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from '../wire/messages/kv.ts';

/** Comparisons and operations that one transaction may have at most, each. */
const MAX_OPERATIONS = 128;

/** etcd's checks of a request by itself, before the state of the store matters. */
export function checkRange(request: RangeRequest): void {
  if (request.key === '') throw emptyKey();
  if (!(request.sortOrder >= 0 && request.sortOrder <= 2)) throw invalidSortOption();
  if (!(request.sortTarget >= 0 && request.sortTarget <= 4)) throw invalidSortOption();
}

export function checkPut(request: PutRequest): void {
  if (request.key === '') throw emptyKey();
  if (request.ignoreValue && request.value.length > 0) throw valueProvided();
  if (request.ignoreLease && request.lease !== 0n) throw leaseProvided();
}

export function checkDeleteRange(request: DeleteRangeRequest): void {
  if (request.key === '') throw emptyKey();
}

export function checkTransaction(request: TxnRequest): void {
  checkOperations(request, MAX_OPERATIONS);
  checkWrites(request.success);
  checkWrites(request.failure);
}

function checkOperations(request: TxnRequest, limit: number): void {
  const { compare, success, failure } = request;
  const operations = Math.max(compare.length, success.length, failure.length);
  if (operations > limit) throw tooManyOperations();
  for (const { key } of compare) if (key === '') throw emptyKey();
  for (const { range, put, deleteRange, txn } of [...success, ...failure]) {
    if (range !== undefined) checkRange(range);
    else if (put !== undefined) checkPut(put);
    else if (deleteRange !== undefined) checkDeleteRange(deleteRange);
    else if (txn !== undefined) checkOperations(txn, limit - operations);
    else throw keyNotFound();
  }
}

/** What a branch writes: with all its nested transactions, of which both branches count. */
interface Writes {
  readonly puts: ReadonlySet<string>;
  readonly deletions: readonly KeyRange[];
}

/**
 * Refuses a branch that puts a key twice or puts and deletes it, since its outcome would depend on an order that etcd does not
 * promise. Branches of one nested transaction exclude one another and may put the same keys.
 */
function checkWrites(operations: readonly RequestOp[]): Writes {
  const deletions: KeyRange[] = [];
  for (const { deleteRange } of operations) {
    if (deleteRange !== undefined) deletions.push(keyRange(deleteRange.key, deleteRange.rangeEnd));
  }
  const puts = new Set<string>();
  const add = (key: string, allowed?: ReadonlySet<string>): void => {
    if (puts.has(key) && allowed?.has(key) !== true) throw duplicateKey();
    if (deletions.some((range) => contains(range, key))) throw duplicateKey();
    puts.add(key);
  };
  for (const { txn } of operations) {
    if (txn === undefined) continue;
    const success = checkWrites(txn.success);
    const failure = checkWrites(txn.failure);
    for (const key of success.puts) add(key);
    for (const key of failure.puts) add(key, success.puts);
    deletions.push(...success.deletions, ...failure.deletions);
  }
  for (const { put } of operations) if (put !== undefined) add(put.key);
  return { puts, deletions };
}
