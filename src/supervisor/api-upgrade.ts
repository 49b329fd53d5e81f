import { STATUS_CODES, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../core/log.ts';
import { apiCredential, endToEndHeaders, requestHeaders } from './forwarded-headers.ts';
import type { Peer } from './peer.ts';
import { badRequest, CANNOT_BE_FORWARDED, renderFailure, UNAUTHORIZED, type Failure } from './status.ts';
import { upstreamFailure, type Upstream } from './upstream.ts';

export interface ApiUpgradeOptions {
  readonly upstream: Upstream;
  readonly log: Logger;
}

/** Passes on a request that asks to leave HTTP: exec, attach and port-forward over SPDY or WebSocket. */
export type ApiUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer) => void;

/**
 * Protocols that kube-apiserver upgrades to, or relays to a pod that does, are its business. Not `h2c`: HTTP/2 inside the
 * upgraded connection would be requests that nobody here has looked at.
 */
export function wantsUpgrade(request: IncomingMessage): boolean {
  const offered = (request.headers.upgrade ?? '').split(',').map((protocol) => protocol.trim().toLowerCase());
  return offered.every((protocol) => protocol !== '' && !protocol.startsWith('h2'));
}

/**
 * Only kube-apiserver's `101` connects the two sides: before it, and after any other answer, no byte of the client's reaches a
 * connection that kube-apiserver takes for ours (the lesson of CVE-2018-1002105).
 */
export function createApiUpgrade(options: ApiUpgradeOptions): ApiUpgrade {
  return (request, socket, head, peer) => {
    const credential = apiCredential(peer.identity, request.headers);
    if (credential === undefined) return refuse(socket, UNAUTHORIZED);
    if (hasBody(request)) return refuse(socket, badRequest('a request with a body cannot be upgraded'));
    const method = request.method ?? 'GET';
    const headers = requestHeaders({
      rawHeaders: request.rawHeaders,
      credential,
      clientAddress: peer.address,
      host: request.headers.host,
    });
    headers.set('connection', ['Upgrade']);
    headers.set('upgrade', [request.headers.upgrade ?? '']);
    headers.set('content-length', ['0']);

    let forwarded: ClientRequest;
    try {
      forwarded = options.upstream.request({ method, path: request.url ?? '/', headers, credential });
    } catch (error) {
      options.log.debug('a request cannot be passed on to the apiserver', { error });
      return refuse(socket, CANNOT_BE_FORWARDED);
    }
    const cancel = (): void => void forwarded.destroy();
    socket.on('close', cancel);
    forwarded.on('error', (error) => {
      if (!socket.destroyed) refuse(socket, upstreamFailure(error, options.log));
    });
    forwarded.on('response', (answer) => relayRefusal(answer, socket));
    forwarded.on('upgrade', (answer: IncomingMessage, upstream: Duplex, upstreamHead: Buffer) => {
      socket.off('close', cancel);
      upstream.on('error', ignore);
      socket.write(rawHead(answer, answer.rawHeaders), 'latin1');
      if (upstreamHead.length > 0) socket.write(upstreamHead);
      if (head.length > 0) upstream.write(head);
      connectStreams(socket, upstream);
      connectStreams(upstream, socket);
    });
    forwarded.end();
  };
}

function connectStreams(from: Duplex, to: Duplex): void {
  from.pipe(to);
  from.once('close', () => {
    if (!from.readableEnded) to.destroy();
  });
}

function hasBody(request: IncomingMessage): boolean {
  return (request.headers['content-length'] ?? '0') !== '0' || request.headers['transfer-encoding'] !== undefined;
}

/** An answer other than 101 is the last thing on this connection, so its end is the end of its body. */
function relayRefusal(answer: IncomingMessage, socket: Duplex): void {
  const headers = endToEndHeaders(answer.rawHeaders);
  headers.set('connection', ['close']);
  const lines = [...headers].flatMap(([name, values]) => values.flatMap((value) => [name, value]));
  socket.write(rawHead(answer, lines), 'latin1');
  answer.on('error', () => socket.destroy());
  answer.pipe(socket);
}

function rawHead(answer: IncomingMessage, rawHeaders: readonly string[]): string {
  let head = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage ?? ''}\r\n`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) head += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return `${head}\r\n`;
}

function refuse(socket: Duplex, failure: Failure): void {
  const { headers, body } = renderFailure(failure);
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${failure.code} ${STATUS_CODES[failure.code]}\r\n${lines.join('')}\r\n${body}`);
}

function ignore(): void {}
