import {
  bool,
  defineMessage,
  int64,
  key,
  message,
  packedInt64,
  repeated,
  text,
  type MessageOf,
} from '../codec/message.ts';
import { ResponseHeader } from './header.ts';
import { KeyValue } from './kv.ts';

export const EventType = { PUT: 0, DELETE: 1 } as const;

/** mvccpb.Event */
export const Event = defineMessage({
  type: int64(1),
  kv: message(2, KeyValue),
  prevKv: message(3, KeyValue),
});
export type Event = MessageOf<typeof Event>;

export const WatchFilter = { NOPUT: 0, NODELETE: 1 } as const;

export const WatchCreateRequest = defineMessage({
  key: key(1),
  rangeEnd: key(2),
  startRevision: int64(3),
  progressNotify: bool(4),
  filters: packedInt64(5),
  prevKv: bool(6),
  watchId: int64(7),
  fragment: bool(8),
});
export type WatchCreateRequest = MessageOf<typeof WatchCreateRequest>;

export const WatchCancelRequest = defineMessage({ watchId: int64(1) });

export const WatchProgressRequest = defineMessage({});

/** At most one of the fields is set. */
export const WatchRequest = defineMessage({
  create: message(1, WatchCreateRequest),
  cancel: message(2, WatchCancelRequest),
  progress: message(3, WatchProgressRequest),
});
export type WatchRequest = MessageOf<typeof WatchRequest>;

export const WatchResponse = defineMessage({
  header: message(1, ResponseHeader),
  watchId: int64(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int64(5),
  cancelReason: text(6),
  fragment: bool(7),
  events: repeated(message(11, Event)),
});
export type WatchResponse = MessageOf<typeof WatchResponse>;
