import type { Route } from '../route.ts';

/** Tells that a supervisor listens here; load balancers and joining nodes ask for it. */
export const ping: Route = {
  path: '/ping',
  method: 'GET',
  access: 'public',
  handle: () => ({ status: 200, contentType: 'text/plain', body: 'pong' }),
};
