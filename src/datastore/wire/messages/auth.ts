import { bool, defineMessage, int64, message } from '../codec/message.ts';
import { ResponseHeader } from './header.ts';

export const AuthStatusRequest = defineMessage({});

export const AuthStatusResponse = defineMessage({
  header: message(1, ResponseHeader),
  enabled: bool(2),
  authRevision: int64(3),
});
