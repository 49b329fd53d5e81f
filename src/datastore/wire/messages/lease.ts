import {
  bool,
  defineMessage,
  int64,
  int64Exact,
  key,
  message,
  repeated,
  text,
  type MessageOf,
} from '../codec/message.ts';
import { ResponseHeader } from './header.ts';

export const LeaseGrantRequest = defineMessage({ ttl: int64(1), id: int64Exact(2) });
export type LeaseGrantRequest = MessageOf<typeof LeaseGrantRequest>;

export const LeaseGrantResponse = defineMessage({
  header: message(1, ResponseHeader),
  id: int64Exact(2),
  ttl: int64(3),
  error: text(4),
});

export const LeaseRevokeRequest = defineMessage({ id: int64Exact(1) });

export const LeaseRevokeResponse = defineMessage({ header: message(1, ResponseHeader) });

export const LeaseKeepAliveRequest = defineMessage({ id: int64Exact(1) });

export const LeaseKeepAliveResponse = defineMessage({
  header: message(1, ResponseHeader),
  id: int64Exact(2),
  ttl: int64(3),
});

export const LeaseTimeToLiveRequest = defineMessage({ id: int64Exact(1), keys: bool(2) });
export type LeaseTimeToLiveRequest = MessageOf<typeof LeaseTimeToLiveRequest>;

export const LeaseTimeToLiveResponse = defineMessage({
  header: message(1, ResponseHeader),
  id: int64Exact(2),
  ttl: int64(3),
  grantedTtl: int64(4),
  keys: repeated(key(5)),
});

export const LeaseLeasesRequest = defineMessage({});

export const LeaseStatus = defineMessage({ id: int64Exact(1) });

export const LeaseLeasesResponse = defineMessage({
  header: message(1, ResponseHeader),
  leases: repeated(message(2, LeaseStatus)),
});
