import { AGENT_ROLES, type Route } from '../route.ts';

/** Whether the server's controllers run. Not kube-apiserver's `/readyz`, which is passed on to it like any other path. */
export function readyz(ready: () => boolean): Route {
  return {
    path: '/v1-k3s/readyz',
    method: 'GET',
    access: AGENT_ROLES,
    handle: () =>
      ready()
        ? { status: 200, contentType: 'text/plain', body: 'ok' }
        : { status: 503, message: 'the server is starting' },
  };
}
