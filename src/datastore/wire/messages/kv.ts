import {
  bool,
  bytes,
  defineMessage,
  int64,
  int64Exact,
  key,
  message,
  repeated,
  type Message,
  type MessageOf,
} from '../codec/message.ts';
import { ResponseHeader } from './header.ts';

/** mvccpb.KeyValue */
export const KeyValue = defineMessage({
  key: key(1),
  createRevision: int64(2),
  modRevision: int64(3),
  version: int64(4),
  value: bytes(5),
  lease: int64Exact(6),
});
export type KeyValue = MessageOf<typeof KeyValue>;

export const SortOrder = { NONE: 0, ASCEND: 1, DESCEND: 2 } as const;
export const SortTarget = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const;

/** etcdserverpb.RangeRequest */
export const RangeRequest = defineMessage({
  key: key(1),
  rangeEnd: key(2),
  limit: int64(3),
  revision: int64(4),
  sortOrder: int64(5),
  sortTarget: int64(6),
  serializable: bool(7),
  keysOnly: bool(8),
  countOnly: bool(9),
  minModRevision: int64(10),
  maxModRevision: int64(11),
  minCreateRevision: int64(12),
  maxCreateRevision: int64(13),
});
export type RangeRequest = MessageOf<typeof RangeRequest>;

export const RangeResponse = defineMessage({
  header: message(1, ResponseHeader),
  kvs: repeated(message(2, KeyValue)),
  more: bool(3),
  count: int64(4),
});
export type RangeResponse = MessageOf<typeof RangeResponse>;

export const PutRequest = defineMessage({
  key: key(1),
  value: bytes(2),
  lease: int64Exact(3),
  prevKv: bool(4),
  ignoreValue: bool(5),
  ignoreLease: bool(6),
});
export type PutRequest = MessageOf<typeof PutRequest>;

export const PutResponse = defineMessage({
  header: message(1, ResponseHeader),
  prevKv: message(2, KeyValue),
});
export type PutResponse = MessageOf<typeof PutResponse>;

export const DeleteRangeRequest = defineMessage({
  key: key(1),
  rangeEnd: key(2),
  prevKv: bool(3),
});
export type DeleteRangeRequest = MessageOf<typeof DeleteRangeRequest>;

export const DeleteRangeResponse = defineMessage({
  header: message(1, ResponseHeader),
  deleted: int64(2),
  prevKvs: repeated(message(3, KeyValue)),
});
export type DeleteRangeResponse = MessageOf<typeof DeleteRangeResponse>;

export const CompareResult = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const;
export const CompareTarget = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const;

export const Compare = defineMessage({
  result: int64(1),
  target: int64(2),
  key: key(3),
  version: int64(4),
  createRevision: int64(5),
  modRevision: int64(6),
  value: bytes(7),
  lease: int64Exact(8),
  rangeEnd: key(64),
});
export type Compare = MessageOf<typeof Compare>;

/** At most one of the fields is set. */
export interface RequestOp {
  range: RangeRequest | undefined;
  put: PutRequest | undefined;
  deleteRange: DeleteRangeRequest | undefined;
  txn: TxnRequest | undefined;
}

export interface TxnRequest {
  compare: readonly Compare[];
  success: readonly RequestOp[];
  failure: readonly RequestOp[];
}

export const RequestOp: Message<RequestOp> = defineMessage({
  range: message(1, RangeRequest),
  put: message(2, PutRequest),
  deleteRange: message(3, DeleteRangeRequest),
  txn: message<TxnRequest>(4, () => TxnRequest),
});

export const TxnRequest: Message<TxnRequest> = defineMessage({
  compare: repeated(message(1, Compare)),
  success: repeated(message(2, RequestOp)),
  failure: repeated(message(3, RequestOp)),
});

/** At most one of the fields is set. */
export interface ResponseOp {
  range: RangeResponse | undefined;
  put: PutResponse | undefined;
  deleteRange: DeleteRangeResponse | undefined;
  txn: TxnResponse | undefined;
}

export interface TxnResponse {
  header: ResponseHeader | undefined;
  succeeded: boolean;
  responses: readonly ResponseOp[];
}

export const ResponseOp: Message<ResponseOp> = defineMessage({
  range: message(1, RangeResponse),
  put: message(2, PutResponse),
  deleteRange: message(3, DeleteRangeResponse),
  txn: message<TxnResponse>(4, () => TxnResponse),
});

export const TxnResponse: Message<TxnResponse> = defineMessage({
  header: message(1, ResponseHeader),
  succeeded: bool(2),
  responses: repeated(message(3, ResponseOp)),
});

export const CompactionRequest = defineMessage({
  revision: int64(1),
  physical: bool(2),
});
export type CompactionRequest = MessageOf<typeof CompactionRequest>;

export const CompactionResponse = defineMessage({
  header: message(1, ResponseHeader),
});
