import { authenticationNotEnabled } from '../wire/etcd-errors.ts';
import { AuthStatusResponse } from '../wire/messages/auth.ts';
import { header, type ServiceContext } from './context.ts';
import { unary, type ServiceMethods } from './service.ts';

/** etcdserverpb.Auth of a server without users: who reaches the socket may do everything. */
export function authService(context: ServiceContext): ServiceMethods {
  return [
    [
      '/etcdserverpb.Auth/AuthStatus',
      unary(() => AuthStatusResponse.encodeFrame({ header: header(context), authRevision: 1 })),
    ],
    [
      '/etcdserverpb.Auth/Authenticate',
      unary(() => {
        throw authenticationNotEnabled();
      }),
    ],
  ];
}
