import { constants } from 'node:crypto';
import { createServer as createHttp1Server, type IncomingMessage } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { breakOff, closeAfter, type HttpRequest, type HttpResponse } from './http.ts';
import type { Peer } from './peer.ts';
import { TerminatedConnections } from './terminated-connections.ts';
import { WaitingRoom } from './waiting-room.ts';

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
/** Handshakes under way; each takes about 100 KB. */
const MOST_HANDSHAKES = 1024;
/** Long command lines of `kubectl exec` travel in the request target. */
const LARGEST_HEADERS = 64 * 1024;
/** At the same time, on one connection. */
const MOST_REQUESTS = 250;

export function createTlsFront(options: TlsFrontOptions): TlsFront {
  const connections = new TerminatedConnections(options.clock);
  const handshakes = new WaitingRoom<Socket>(MOST_HANDSHAKES, (socket) => socket.destroy());
  /** Node does not say which connection a finished handshake belongs to, but both know their ends. */
  const byEndpoints = new Map<string, Socket>();

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
    // `TerminatedConnections` does what these do, through the clock and for both versions of HTTP.
    keepAliveTimeout: 0,
    headersTimeout: 0,
    requestTimeout: 0,
    shouldUpgradeCallback: options.wantsUpgrade,
  });
  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: MOST_REQUESTS, maxHeaderListSize: LARGEST_HEADERS },
  });

  tls.on('tlsClientError', (error, socket) => {
    options.log.debug('a TLS handshake failed', { error, client: socket.remoteAddress });
    socket.destroy();
  });
  tls.on('secureConnection', (socket) => {
    const key = endpoints(socket);
    const accepted = byEndpoints.get(key);
    if (accepted !== undefined) handshakes.leave(accepted);
    byEndpoints.delete(key);
    socket.on('error', ignore);
    if (socket.alpnProtocol === 'h2') {
      // Listens only while this socket is handed over: another session must not get this one's identity.
      const onSession = (session: ServerHttp2Session): void => connections.open(session, socket, () => session.close());
      http2.on('session', onSession);
      http2.emit('connection', socket);
      http2.off('session', onSession);
    } else {
      socket.allowHalfOpen = true;
      connections.open(socket, socket, () => socket.destroySoon());
      http1.emit('connection', socket);
    }
  });

  const onRequest = (request: HttpRequest, response: HttpResponse): void => {
    request.on('error', ignore);
    response.on('error', ignore);
    const isHttp2 = 'stream' in request;
    const connection = connections.get(isHttp2 ? request.stream.session : request.socket);
    if (connection === undefined) {
      breakOff(response);
      return;
    }
    // HTTP/2 has this limit in its settings; over HTTP/1.1 no client that we know of sends requests ahead of their answers.
    if (!isHttp2 && connection.underWay >= MOST_REQUESTS) {
      request.socket.destroy();
      return;
    }
    connection.begin();
    response.once('close', () => {
      connection.end();
      if (connections.finishing) connections.finish();
    });
    if (connections.finishing) closeAfter(response);
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
    connection.begin();
    options.onUpgrade(request, socket, head, connection.peer);
  });

  return {
    accept(socket) {
      const key = endpoints(socket);
      byEndpoints.set(key, socket);
      handshakes.enter(socket);
      socket.once('close', () => {
        handshakes.leave(socket);
        if (byEndpoints.get(key) === socket) byEndpoints.delete(key);
      });
      // A client that has ended its side will not finish a handshake or an HTTP/2 session; an upgraded one may go on receiving.
      socket.allowHalfOpen = false;
      tls.emit('connection', socket);
    },
    setCertificates: (certificates) => tls.setSecureContext(contextOptions(certificates)),
    drain: () => connections.finish(),
  };
}

function endpoints(socket: Socket): string {
  return `${socket.localAddress} ${socket.remoteAddress} ${socket.remotePort}`;
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
