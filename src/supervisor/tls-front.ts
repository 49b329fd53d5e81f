import { constants } from 'node:crypto';
import { createServer as createHttp1Server, type IncomingMessage } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { breakOff, type HttpRequest, type HttpResponse } from './http.ts';
import { peerOf, type Peer } from './peer.ts';
import { QuietLimit } from './quiet-limit.ts';
import { closeAfter } from './status.ts';

/** Certificates (PEM) of a TLS server. */
export interface ServingCertificates {
  readonly cert: string;
  readonly key: string;
  /** The authority of client certificates, and of nothing else. */
  readonly clientCa: string;
}

export interface TlsFrontOptions {
  readonly certificates: ServingCertificates;
  readonly onRequest: (request: HttpRequest, response: HttpResponse, peer: Peer) => void;
  /** Whether an upgrade that a request offers is to be taken up; otherwise it is handled as an ordinary request. */
  readonly wantsUpgrade: (request: IncomingMessage) => boolean;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Terminates TLS, HTTP/1.1 and HTTP/2 on connections that it is handed. */
export interface TlsFront {
  /** Takes a connection over; bytes that were read already must have been unshifted. */
  accept(socket: Socket): void;
  /** For new connections; those that are open keep theirs. */
  setCertificates(certificates: ServingCertificates): void;
  /** Lets requests that are under way finish and closes each connection when it has none. */
  drain(): void;
}

const HANDSHAKE_LIMIT = 10_000;
const FIRST_REQUEST_LIMIT = 10_000;
/** As kube-apiserver's, so that clients see one server. */
const IDLE_LIMIT = 90_000;
/** Long command lines of `kubectl exec` travel in the request target. */
const LARGEST_HEADERS = 64 * 1024;
/** At the same time, on one connection. */
const MOST_REQUESTS = 250;

/** How long a connection that was told to end may take to flush what it has to send. */
const CLOSE_LIMIT = 1_000;

interface Connection {
  readonly peer: Peer;
  readonly quiet: QuietLimit;
  /** Takes no more requests and ends as soon as none is under way. */
  readonly finish: () => void;
}

export function createTlsFront(options: TlsFrontOptions): TlsFront {
  /** By HTTP/2 session or, for HTTP/1.1, by socket: what a request leads back to. */
  const connections = new Map<object, Connection>();
  let draining = false;

  const tls = createTlsServer({
    ...contextOptions(options.certificates),
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: true,
    // Other ways of proving an identity exist; `peerOf` reads the verdict.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_LIMIT,
  });
  const http1 = createHttp1Server({
    maxHeaderSize: LARGEST_HEADERS,
    // `QuietLimit` does what these do, through the clock and for both versions of HTTP.
    keepAliveTimeout: 0,
    headersTimeout: 0,
    requestTimeout: 0,
    shouldUpgradeCallback: options.wantsUpgrade,
  });
  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: MOST_REQUESTS, maxHeaderListSize: LARGEST_HEADERS },
  });

  const open = (key: TLSSocket | ServerHttp2Session, socket: TLSSocket, finish: () => void): void => {
    const quiet = new QuietLimit(options.clock, { first: FIRST_REQUEST_LIMIT, idle: IDLE_LIMIT }, () => {
      finish();
      // The peer may be deaf to the polite way.
      const force = options.clock.timer(CLOSE_LIMIT, () => socket.destroy());
      key.once('close', () => force[Symbol.dispose]());
    });
    connections.set(key, { peer: peerOf(socket), quiet, finish });
    key.once('close', () => {
      quiet[Symbol.dispose]();
      connections.delete(key);
    });
  };

  tls.on('tlsClientError', (error, socket) => {
    options.log.debug('a TLS handshake failed', { error, client: socket.remoteAddress });
    socket.destroy();
  });
  tls.on('secureConnection', (socket) => {
    socket.on('error', ignore);
    if (socket.alpnProtocol === 'h2') {
      http2.once('session', (session) => open(session, socket, () => session.close()));
      http2.emit('connection', socket);
    } else {
      socket.allowHalfOpen = true;
      open(socket, socket, () => {
        if (connections.get(socket)?.quiet.underWay === 0) socket.destroySoon();
      });
      http1.emit('connection', socket);
    }
  });

  const onRequest = (request: HttpRequest, response: HttpResponse): void => {
    request.on('error', ignore);
    response.on('error', ignore);
    const key = 'stream' in request ? request.stream.session : request.socket;
    const connection = key === undefined ? undefined : connections.get(key);
    if (connection === undefined) {
      breakOff(response);
      return;
    }
    if (connection.quiet.underWay >= MOST_REQUESTS) {
      // HTTP/2 has the limit in its settings; over HTTP/1.1 no client that we know of sends many requests ahead.
      request.socket.destroy();
      return;
    }
    connection.quiet.begin();
    response.once('close', () => {
      connection.quiet.end();
      if (draining) connection.finish();
    });
    if (draining) closeAfter(response);
    options.onRequest(request, response, connection.peer);
  };
  http1.on('request', onRequest);
  http1.on('checkContinue', onRequest);
  http2.on('request', onRequest);
  http2.on('checkContinue', onRequest);
  http2.on('sessionError', (error) => options.log.debug('an HTTP/2 connection failed', { error }));
  http1.on('upgrade', (request, socket, head) => {
    request.on('error', ignore);
    const connection = connections.get(socket);
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    connection.quiet.begin();
    options.onUpgrade(request, socket, head, connection.peer);
  });

  return {
    accept(socket) {
      // A client that has ended its side will not finish a handshake or an HTTP/2 session; an upgraded one may go on receiving.
      socket.allowHalfOpen = false;
      tls.emit('connection', socket);
    },
    setCertificates: (certificates) => tls.setSecureContext(contextOptions(certificates)),
    drain() {
      draining = true;
      for (const connection of connections.values()) connection.finish();
    },
  };
}

function contextOptions({ cert, key, clientCa }: ServingCertificates): TlsOptions {
  return {
    cert,
    key,
    ca: clientCa,
    // As Go does: an intermediate authority that is listed is trusted without its root.
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.2',
    // Who a connection is from is decided once, at its full handshake: no change of certificate later on, and no session that
    // outlives the certificate or the authority that it was checked against. Kubernetes' clients do not resume sessions.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
  };
}

function ignore(): void {}
