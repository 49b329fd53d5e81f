import { bool, defineMessage, int64, message, repeated, text } from '../codec/message.ts';
import { ResponseHeader } from './header.ts';

export const StatusRequest = defineMessage({});

export const StatusResponse = defineMessage({
  header: message(1, ResponseHeader),
  version: text(2),
  dbSize: int64(3),
  leader: int64(4),
  raftIndex: int64(5),
  raftTerm: int64(6),
  raftAppliedIndex: int64(7),
  errors: repeated(text(8)),
  dbSizeInUse: int64(9),
  isLearner: bool(10),
  storageVersion: text(11),
  dbSizeQuota: int64(12),
});

/** The action decides what is asked for, but a datastore that never raises alarms has one answer to all. */
export const AlarmRequest = defineMessage({ action: int64(1), memberId: int64(2), alarm: int64(3) });

export const AlarmMember = defineMessage({ memberId: int64(1), alarm: int64(2) });

export const AlarmResponse = defineMessage({
  header: message(1, ResponseHeader),
  alarms: repeated(message(2, AlarmMember)),
});

export const DefragmentRequest = defineMessage({});

export const DefragmentResponse = defineMessage({ header: message(1, ResponseHeader) });
