import type { Route } from '../route.ts';

/**
 * The server authority. Public, because a joining node has nothing yet to trust: it compares the hash of exactly these bytes
 * with the one in its token.
 */
export function cacerts(serverCa: string): Route {
  return {
    path: '/cacerts',
    method: 'GET',
    access: 'public',
    handle: () => ({ status: 200, contentType: 'text/plain', body: serverCa }),
  };
}
