import { bool, defineMessage, int64, message, repeated, text } from '../codec/message.ts';
import { ResponseHeader } from './header.ts';

export const Member = defineMessage({
  id: int64(1),
  name: text(2),
  peerUrls: repeated(text(3)),
  clientUrls: repeated(text(4)),
  isLearner: bool(5),
});

export const MemberListRequest = defineMessage({ linearizable: bool(1) });

export const MemberListResponse = defineMessage({
  header: message(1, ResponseHeader),
  members: repeated(message(2, Member)),
});
