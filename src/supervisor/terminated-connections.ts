import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { peerOf, type Peer } from './peer.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Time from the end of the handshake to the first request. */
const FIRST_REQUEST_LIMIT = 10_000;
/** Time between two requests: as kube-apiserver's, so that clients see one server. */
const IDLE_LIMIT = 90_000;
/** How long a connection that was told to end may take to flush what it has to send. */
const CLOSE_LIMIT = 1_000;
/** Connections without a request under way; each takes about 100 KB. */
const MOST_QUIET = 1024;

/** A connection whose TLS ends here, as far as requests need it. */
export interface TerminatedConnection {
  readonly peer: Peer;
  /** Requests that have begun and not ended. */
  readonly underWay: number;
  begin(): void;
  end(): void;
}

/**
 * Keeps the connections that TLS has ended on, and ends those on which no request is under way for too long, or longest when
 * there are too many. Only a complete request head counts as a request: a client that drips bytes of a header is as quiet as one
 * that sends nothing.
 */
export class TerminatedConnections {
  readonly #clock: Clock;
  readonly #byKey = new Map<object, Connection>();
  readonly #quiet = new WaitingRoom<Connection>(MOST_QUIET, (connection) => connection.dismiss());
  #finishing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes a connection in. `key` is what its requests lead back to: the HTTP/2 session or, for HTTP/1.1, the socket itself.
   * `finish` ends it politely and is called only when no request is under way, or for HTTP/2.
   */
  open(key: ServerHttp2Session | TLSSocket, socket: TLSSocket, finish: () => void): void {
    const connection = new Connection(this.#clock, this.#quiet, socket, () => {
      if (key !== socket || connection.underWay === 0) finish();
    });
    this.#byKey.set(key, connection);
    key.once('close', () => {
      this.#byKey.delete(key);
      connection[Symbol.dispose]();
    });
  }

  get(key: object | undefined): TerminatedConnection | undefined {
    return key === undefined ? undefined : this.#byKey.get(key);
  }

  /** Whether `finish` was called: requests that come nevertheless are the last ones of their connections. */
  get finishing(): boolean {
    return this.#finishing;
  }

  /** Ends every connection as soon as no request is under way on it. */
  finish(): void {
    this.#finishing = true;
    for (const connection of this.#byKey.values()) connection.finish();
  }
}

class Connection implements TerminatedConnection, Disposable {
  readonly peer: Peer;
  readonly finish: () => void;
  readonly #clock: Clock;
  readonly #quiet: WaitingRoom<Connection>;
  readonly #socket: TLSSocket;
  #underWay = 0;
  #timer: Disposable | undefined;
  #closed = false;

  constructor(clock: Clock, quiet: WaitingRoom<Connection>, socket: TLSSocket, finish: () => void) {
    this.#clock = clock;
    this.#quiet = quiet;
    this.#socket = socket;
    this.peer = peerOf(socket);
    this.finish = finish;
    this.#wait(FIRST_REQUEST_LIMIT);
  }

  get underWay(): number {
    return this.#underWay;
  }

  begin(): void {
    this.#underWay++;
    this.#leave();
  }

  end(): void {
    this.#underWay--;
    if (this.#underWay === 0 && !this.#closed) this.#wait(IDLE_LIMIT);
  }

  /** Ends a quiet connection: politely, and by force if the peer is deaf to that. */
  dismiss(): void {
    this.#leave();
    this.finish();
    if (!this.#closed) this.#timer = this.#clock.timer(CLOSE_LIMIT, () => this.#socket.destroy());
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#leave();
  }

  #wait(limit: number): void {
    this.#timer = this.#clock.timer(limit, () => this.dismiss());
    this.#quiet.enter(this);
  }

  #leave(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#quiet.leave(this);
  }
}
