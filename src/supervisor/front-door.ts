import { connect, type Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { ClientHelloReader, type ClientHello } from './client-hello.ts';
import { splice } from './splice.ts';
import { WaitingRoom } from './waiting-room.ts';

export interface FrontDoorOptions {
  /** Server names, in lower case, of connections that kube-apiserver terminates itself. */
  readonly splicedNames: ReadonlySet<string>;
  readonly apiServer: { readonly host: string; readonly port: number };
  /** Takes over every other connection. */
  readonly terminate: (socket: Socket) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Time from the connection to the end of its ClientHello and, if it is spliced, to kube-apiserver's acceptance. */
const OPENING_LIMIT = 10_000;
/** Connections that have not said yet what they want. */
const MOST_UNDECIDED = 1024;

const DECODE_ERROR_ALERT = Buffer.from([21, 3, 1, 0, 2, 2, 50]);
const PLAIN_HTTP_ANSWER =
  'HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n' +
  'Client sent an HTTP request to an HTTPS server.\n';

/**
 * The server names under which clients inside the cluster know kube-apiserver; kubeconfigs that we write use the first. A
 * connection to one of them is passed through as it is, to every other name or to none it is terminated here.
 */
export function apiServerNames(clusterDomain: string): ReadonlySet<string> {
  const service = 'kubernetes.default.svc';
  return new Set(['kubernetes', 'kubernetes.default', service, `${service}.${clusterDomain.toLowerCase()}`]);
}

/** Decides from its first bytes who gets a connection. Returns the function that takes new connections. */
export function createFrontDoor(options: FrontDoorOptions): (socket: Socket) => void {
  const undecided = new WaitingRoom<Socket>(MOST_UNDECIDED, (socket) => socket.destroy());
  return (socket) => {
    socket.on('error', (error) => options.log.debug('a connection broke', { error, client: socket.remoteAddress }));
    undecided.enter(socket);
    const limit = options.clock.timer(OPENING_LIMIT, () => socket.destroy());
    const decided = (): void => {
      limit[Symbol.dispose]();
      undecided.leave(socket);
    };
    socket.once('close', decided);

    peek(socket, (hello, received) => {
      if (hello.kind === 'complete' && options.splicedNames.has(hello.serverName ?? '')) {
        passThrough(socket, options, decided);
        return;
      }
      decided();
      if (hello.kind === 'complete') options.terminate(socket);
      else refuse(socket, received);
    });
  };
}

/** Reads until the ClientHello is complete or hopeless, then puts all bytes back. Says nothing if the client leaves before. */
function peek(socket: Socket, done: (hello: ClientHello, received: Buffer) => void): void {
  const reader = new ClientHelloReader();
  const onEnd = (): void => void socket.destroy();
  const onReadable = (): void => {
    for (;;) {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      const hello = reader.push(chunk);
      if (hello.kind === 'incomplete') continue;
      socket.off('readable', onReadable);
      socket.off('end', onEnd);
      socket.unshift(reader.received);
      done(hello, reader.received);
      return;
    }
  };
  socket.on('readable', onReadable);
  socket.on('end', onEnd);
}

function passThrough(socket: Socket, options: FrontDoorOptions, decided: () => void): void {
  const upstream = connect({ ...options.apiServer, allowHalfOpen: true, noDelay: true, keepAlive: true });
  const leave = (): void => void upstream.destroy();
  socket.once('close', leave);
  const onRefused = (error: Error): void => {
    socket.off('close', leave);
    decided();
    if (socket.destroyed) return;
    // Terminated here, the client at least gets an answer that it understands: the apiserver is not ready.
    options.log.debug('the apiserver does not accept connections', { error });
    options.terminate(socket);
  };
  upstream.once('error', onRefused);
  upstream.once('connect', () => {
    upstream.off('error', onRefused);
    upstream.on('error', (error) => options.log.debug('a connection to the apiserver broke', { error }));
    socket.off('close', leave);
    decided();
    splice(socket, upstream);
  });
}

/** Says what is wrong in the language of the client, as far as it can be told. */
function refuse(socket: Socket, received: Buffer): void {
  const isHttp = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|PRI) /.test(received.toString('latin1', 0, 8));
  socket.end(isHttp ? PLAIN_HTTP_ANSWER : DECODE_ERROR_ALERT);
  socket.destroySoon();
}
