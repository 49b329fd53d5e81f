import type { ApiProxy } from './api-proxy.ts';
import type { Authenticator } from './authentication.ts';
import { endWith, rawPath, type HttpRequest, type HttpResponse } from './http.ts';
import type { Peer } from './peer.ts';
import type { Route, RouteReply } from './route.ts';
import { forbidden, methodNotAllowed, sendFailure, UNAUTHORIZED } from './status.ts';

export interface RequestHandlerOptions {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  readonly proxy: ApiProxy;
}

export type RequestHandler = (request: HttpRequest, response: HttpResponse, peer: Peer) => Promise<void>;

/** Answers the supervisor's own paths and passes all others on. */
export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const routes = new Map(options.routes.map((route) => [route.path, route]));
  return async (request, response, peer) => {
    const path = rawPath(request.url ?? '');
    const route = routes.get(path);
    if (route === undefined) {
      options.proxy(request, response, peer);
      return;
    }
    const identity =
      route.access === 'public'
        ? undefined
        : await options.authenticator.authenticate({
            certificate: peer.identity,
            authorization: request.headers.authorization,
          });
    if (route.access !== 'public') {
      const roles = route.access;
      if (identity === undefined) return sendFailure(response, UNAUTHORIZED);
      if (!identity.groups.some((group) => roles.includes(group))) {
        return sendFailure(response, forbidden(identity.name, path));
      }
    }
    const method = request.method ?? '';
    if (method !== route.method && !(method === 'HEAD' && route.method === 'GET')) {
      return sendFailure(response, methodNotAllowed(method));
    }
    sendReply(response, route.handle({ identity }));
  };
}

function sendReply(response: HttpResponse, reply: RouteReply): void {
  if (reply.status === 503) {
    sendFailure(response, { code: 503, reason: 'ServiceUnavailable', message: reply.message, retryAfter: 1 });
    return;
  }
  response.statusCode = reply.status;
  response.setHeader('content-type', reply.contentType);
  response.setHeader('content-length', String(Buffer.byteLength(reply.body)));
  endWith(response, reply.body);
}
