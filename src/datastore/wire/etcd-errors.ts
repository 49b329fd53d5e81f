import { Code, RpcError } from './status.ts';

/**
 * etcd's errors. clientv3 recognises them by their exact text (go.etcd.io/etcd/api/v3/v3rpc/rpctypes/error.go), so neither code
 * nor message may differ.
 */
const define = (code: Code, message: string) => (): RpcError => new RpcError(code, `etcdserver: ${message}`);

export const emptyKey = define(Code.INVALID_ARGUMENT, 'key is not provided');
export const keyNotFound = define(Code.INVALID_ARGUMENT, 'key not found');
export const valueProvided = define(Code.INVALID_ARGUMENT, 'value is provided');
export const leaseProvided = define(Code.INVALID_ARGUMENT, 'lease is provided');
export const tooManyOperations = define(Code.INVALID_ARGUMENT, 'too many operations in txn request');
export const duplicateKey = define(Code.INVALID_ARGUMENT, 'duplicate key given in txn request');
export const invalidSortOption = define(Code.INVALID_ARGUMENT, 'invalid sort option');
export const requestTooLarge = define(Code.INVALID_ARGUMENT, 'request is too large');
export const compacted = define(Code.OUT_OF_RANGE, 'mvcc: required revision has been compacted');
export const futureRevision = define(Code.OUT_OF_RANGE, 'mvcc: required revision is a future revision');
export const noSpace = define(Code.RESOURCE_EXHAUSTED, 'mvcc: database space exceeded');
export const leaseNotFound = define(Code.NOT_FOUND, 'requested lease not found');
export const leaseExists = define(Code.FAILED_PRECONDITION, 'lease already exists');
export const leaseTtlTooLarge = define(Code.OUT_OF_RANGE, 'too large lease TTL');
export const authenticationNotEnabled = define(Code.FAILED_PRECONDITION, 'authentication is not enabled');
/** The outcome of a write is not known, or the server cannot take requests now. */
export const timedOut = define(Code.UNAVAILABLE, 'request timed out');
export const stopped = define(Code.UNAVAILABLE, 'server stopped');
export const corrupt = define(Code.DATA_LOSS, 'corrupt cluster');
