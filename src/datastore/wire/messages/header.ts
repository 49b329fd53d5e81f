import { defineMessage, int64, type MessageOf } from '../codec/message.ts';

/** etcdserverpb.ResponseHeader */
export const ResponseHeader = defineMessage({
  clusterId: int64(1),
  memberId: int64(2),
  revision: int64(3),
  raftTerm: int64(4),
});
export type ResponseHeader = MessageOf<typeof ResponseHeader>;

/** Who answers: the part of a response header that stays the same. Never zero, so that a client can notice another store. */
export interface ServerIdentity {
  readonly clusterId: number;
  readonly memberId: number;
  readonly raftTerm: number;
}
