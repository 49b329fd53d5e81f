import type { ClientRequest } from 'node:http';
import { Agent, request } from 'node:https';
import { systemErrorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { ApiCredential, HeaderLines } from './forwarded-headers.ts';
import { API_SERVER_LOST, API_SERVER_NOT_READY, type Failure } from './status.ts';

/** A client certificate and its key, in PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of the authority that kube-apiserver's serving certificate leads to. */
  readonly serverCa: string;
  /** The certificate (PEM) that kube-apiserver's `--requestheader-client-ca-file` trusts to vouch for identities. */
  readonly frontProxy: ClientCertificate;
}

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderLines;
  readonly credential: ApiCredential;
}

/** Requests to kube-apiserver. */
export interface Upstream extends Disposable {
  /** Begins a request; throws when method, path or a header cannot be written as HTTP. */
  request(request: UpstreamRequest): ClientRequest;
  /** Vouches with another certificate from the next request on; connections of the former one serve the requests that they have. */
  setFrontProxy(certificate: ClientCertificate): void;
}

/** A name that kube-apiserver's certificate always carries, whatever the address it is reached by. */
const API_SERVER_NAME = 'kubernetes';
/** kube-apiserver closes connections that were idle for 90 s; ours go first, so that none is closed as it is being used. */
const LONGEST_IDLE = 45_000;
const MOST_IDLE = 32;

/**
 * Two pools of connections: requests whose identity we vouch for use the front-proxy certificate, requests that carry a token
 * use none, so that no header of theirs can ever count as vouched for.
 */
export function createUpstream(options: UpstreamOptions): Upstream {
  const shared = {
    keepAlive: true,
    timeout: LONGEST_IDLE,
    maxFreeSockets: MOST_IDLE,
    ca: options.serverCa,
    servername: API_SERVER_NAME,
    minVersion: 'TLSv1.2',
  } as const;
  const agents: Readonly<Record<ApiCredential['kind'], Agent>> = {
    identity: new Agent(shared),
    token: new Agent(shared),
  };
  let { cert, key } = options.frontProxy;
  return {
    request({ method, path, headers, credential }) {
      return request({
        agent: agents[credential.kind],
        // The pool keeps connections apart by these.
        ...(credential.kind === 'identity' ? { cert, key } : {}),
        host: options.host,
        port: options.port,
        method,
        path,
        headers: Object.fromEntries(headers),
        setHost: !headers.has('host'),
      });
    },
    setFrontProxy(certificate) {
      ({ cert, key } = certificate);
    },
    [Symbol.dispose]() {
      agents.identity.destroy();
      agents.token.destroy();
    },
  };
}

/** Where nothing listens the request cannot have been carried out; after any other failure it may have been. */
export function upstreamFailure(error: Error, log: Logger): Failure {
  if (systemErrorCode(error) === 'ECONNREFUSED') return API_SERVER_NOT_READY;
  log.warn('a request to the apiserver failed', { error });
  return API_SERVER_LOST;
}
