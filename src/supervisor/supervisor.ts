import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { createApiProxy } from './api-proxy.ts';
import { createApiUpgrade, wantsUpgrade } from './api-upgrade.ts';
import type { Authenticator } from './authentication.ts';
import { apiServerNames, createFrontDoor } from './front-door.ts';
import { rawPath } from './http.ts';
import { boundPort, listen } from './listener.ts';
import { createRequestHandler } from './request-handler.ts';
import { cacerts } from './routes/cacerts.ts';
import { ping } from './routes/ping.ts';
import { readyz } from './routes/readyz.ts';
import { sendFailure } from './status.ts';
import { createTlsFront, type ServingCertificates } from './tls-front.ts';
import { createUpstream, type ClientCertificate } from './upstream.ts';

export interface SupervisorOptions {
  /** `--bind-address`; absent: every address of the machine. */
  readonly bindAddress: string | undefined;
  /** `--https-listen-port`; 0 takes a free one. */
  readonly port: number;
  readonly clusterDomain: string;
  /** `splice` passes connections that name kube-apiserver through as they are; `terminate` ends them here like all others. */
  readonly apiFront: 'splice' | 'terminate';
  /** What this port shows, and the authority (PEM) of its clients. */
  readonly serving: ServingCertificates;
  /** `server-ca.crt`, byte for byte as tokens have its hash: served at `/cacerts`, and the authority of kube-apiserver. */
  readonly serverCa: string;
  /** `client-auth-proxy` (PEM): vouches to kube-apiserver for the identities of clients. */
  readonly frontProxy: ClientCertificate;
  /** Where kube-apiserver listens. Nothing has to be there yet. */
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly authenticator: Authenticator;
  /** Whether the controllers run; what `/v1-k3s/readyz` says. */
  readonly ready: () => boolean;
  /** How long requests that are under way may take to finish at the end, in milliseconds. Default 2000. */
  readonly drainTimeout?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the supervisor as disposing it does. */
  readonly signal: AbortSignal;
}

/** The one port of a server: the supervisor's own paths and, for everything else, the way to kube-apiserver. */
export interface Supervisor extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Shows other certificates, or trusts another authority of clients, from the next connection on. */
  setServingCertificates(certificates: ServingCertificates): void;
  /** Vouches to kube-apiserver with another certificate from the next request on. */
  setFrontProxy(certificate: ClientCertificate): void;
}

const DRAIN_TIMEOUT = 2_000;

/**
 * Listens, and resolves when it does. Rejects with a K3sError `K3S_SUPERVISOR_*` when the port cannot be had.
 * Disposing stops accepting, lets requests finish for `drainTimeout`, and then ends every connection.
 */
export async function createSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { clock, log, signal } = options;
  signal.throwIfAborted();
  const upstream = createUpstream({ ...options.apiServer, serverCa: options.serverCa, frontProxy: options.frontProxy });
  const routes = [ping, cacerts(options.serverCa), readyz(options.ready)];
  const ownPaths = new Set(routes.map((route) => route.path));
  const handle = createRequestHandler({
    routes,
    authenticator: options.authenticator,
    proxy: createApiProxy({ upstream, log }),
  });
  const front = createTlsFront({
    certificates: options.serving,
    onRequest(request, response, peer) {
      handle(request, response, peer).catch((error: unknown) => {
        log.error('a request failed', { error, path: rawPath(request.url ?? '') });
        sendFailure(response, { code: 500, reason: 'InternalError', message: 'Internal error occurred' });
      });
    },
    wantsUpgrade: (request) => wantsUpgrade(request) && !ownPaths.has(rawPath(request.url ?? '')),
    onUpgrade: createApiUpgrade({ upstream, log }),
    clock,
    log,
  });
  const enter = createFrontDoor({
    splicedNames: options.apiFront === 'splice' ? apiServerNames(options.clusterDomain) : new Set(),
    apiServer: options.apiServer,
    terminate: (socket) => front.accept(socket),
    clock,
    log,
  });

  const open = new Set<Socket>();
  const emptied = new EventTarget();
  const server = await listen({
    address: options.bindAddress,
    port: options.port,
    onConnection(socket) {
      open.add(socket);
      socket.once('close', () => {
        open.delete(socket);
        if (open.size === 0) emptied.dispatchEvent(new Event('empty'));
      });
      enter(socket);
    },
    log,
  });

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort);
    server.close();
    front.drain();
    const limit = options.drainTimeout ?? DRAIN_TIMEOUT;
    if (open.size > 0 && limit > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const deadline = clock.timer(limit, resolve);
      emptied.addEventListener('empty', () => resolve(), { once: true });
      await promise;
      deadline[Symbol.dispose]();
    }
    for (const socket of open) socket.destroy();
    upstream[Symbol.dispose]();
  };
  const dispose = (): Promise<void> => (closing ??= close());
  const onAbort = (): void => void dispose();
  signal.addEventListener('abort', onAbort, { once: true });

  return {
    port: boundPort(server),
    get connections() {
      return open.size;
    },
    setServingCertificates: (certificates) => front.setCertificates(certificates),
    setFrontProxy: (certificate) => upstream.setFrontProxy(certificate),
    [Symbol.asyncDispose]: dispose,
  };
}
