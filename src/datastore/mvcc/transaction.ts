import { keyNotFound } from '../wire/etcd-errors.ts';
import type { DeleteRangeRequest, PutRequest, RequestOp, TxnRequest } from '../wire/messages/kv.ts';
import { holds } from './compare.ts';
import type { Draft } from './draft.ts';
import { NO_LEASE, type Change } from './key-history.ts';
import { keyRange } from './key-range.ts';
import { readRange, type RangeResult } from './range.ts';
import type { Store } from './store.ts';

export interface PutResult {
  readonly revision: number;
  readonly previous: Change | undefined;
}

export interface DeleteResult {
  readonly revision: number;
  readonly deleted: number;
  /** Empty unless asked for. */
  readonly previous: readonly Change[];
}

export interface TxnResult {
  readonly revision: number;
  readonly succeeded: boolean;
  readonly responses: readonly OperationResult[];
}

export type OperationResult =
  | { readonly kind: 'range'; readonly result: RangeResult }
  | { readonly kind: 'put'; readonly result: PutResult }
  | { readonly kind: 'delete'; readonly result: DeleteResult }
  | { readonly kind: 'txn'; readonly result: TxnResult };

/** A transaction whose comparisons have been made: which branch runs, at every level. */
interface Plan {
  readonly succeeded: boolean;
  readonly operations: readonly RequestOp[];
  /** Of the nested transactions among `operations`, by index. */
  readonly nested: ReadonlyMap<number, Plan>;
}

/**
 * Runs a transaction as etcd does: all comparisons, nested ones included, see the state before it; then the chosen operations
 * run in order and see what earlier ones did. Throws before anything is changed.
 */
export function runTransaction(draft: Draft, request: TxnRequest): TxnResult {
  const planned = plan(draft.store, request, draft.revision);
  check(draft, planned);
  return execute(draft, planned);
}

/** A transaction that only reads. */
export function readTransaction(store: Store, request: TxnRequest): TxnResult {
  const { operations, succeeded } = plan(store, request, store.revision);
  const responses = operations.flatMap(({ range }): OperationResult[] =>
    range === undefined ? [] : [{ kind: 'range', result: readRange(store, range, store.revision) }],
  );
  return { revision: store.revision, succeeded, responses };
}

export function isReadOnly(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every((operation) => operation.range !== undefined);
}

export function put(draft: Draft, request: PutRequest): PutResult {
  checkPut(draft, request);
  return executePut(draft, request);
}

export function deleteRange(draft: Draft, request: DeleteRangeRequest): DeleteResult {
  const doomed = draft.deleteRange(keyRange(request.key, request.rangeEnd));
  return { revision: draft.revision, deleted: doomed.length, previous: request.prevKv ? doomed : [] };
}

function plan(store: Store, request: TxnRequest, revision: number): Plan {
  const succeeded = request.compare.every((comparison) => holds(store, comparison, revision));
  const operations = succeeded ? request.success : request.failure;
  const nested = new Map<number, Plan>();
  operations.forEach((operation, index) => {
    if (operation.txn !== undefined) nested.set(index, plan(store, operation.txn, revision));
  });
  return { succeeded, operations, nested };
}

function check(draft: Draft, planned: Plan): void {
  for (const { range, put } of planned.operations) {
    if (range !== undefined) draft.store.readRevision(range.revision, draft.revision);
    if (put !== undefined) checkPut(draft, put);
  }
  for (const nested of planned.nested.values()) check(draft, nested);
}

function checkPut(draft: Draft, request: PutRequest): void {
  if (request.lease !== NO_LEASE) draft.lease(request.lease);
  if ((request.ignoreValue || request.ignoreLease) && draft.get(request.key) === undefined) throw keyNotFound();
}

function execute(draft: Draft, planned: Plan): TxnResult {
  const responses = planned.operations.map((operation, index): OperationResult => {
    const { range, put, deleteRange: deletion } = operation;
    if (range !== undefined) return { kind: 'range', result: readRange(draft.store, range, draft.revision) };
    if (put !== undefined) return { kind: 'put', result: executePut(draft, put) };
    if (deletion !== undefined) return { kind: 'delete', result: deleteRange(draft, deletion) };
    return { kind: 'txn', result: execute(draft, planned.nested.get(index) as Plan) };
  });
  return { revision: draft.revision, succeeded: planned.succeeded, responses };
}

function executePut(draft: Draft, request: PutRequest): PutResult {
  const previous = draft.get(request.key);
  const value = request.ignoreValue && previous !== undefined ? draft.store.value(previous) : request.value;
  const lease = request.ignoreLease && previous !== undefined ? previous.lease : request.lease;
  draft.put(request.key, value, lease);
  return { revision: draft.revision, previous: request.prevKv ? previous : undefined };
}
