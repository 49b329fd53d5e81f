import type { RpcError } from './status.ts';

/**
 * What the API asks of a gRPC transport. Outgoing messages are frames: a message behind gRPC's five-byte prefix, as
 * `Message.encodeFrame` makes them, so that a transport never copies them. Incoming messages are without the prefix and are
 * valid until the handler returns.
 */
export type Method = UnaryMethod | StreamMethod;

/** One request, one reply. A thrown or rejected `RpcError` becomes the call's status. */
export interface UnaryMethod {
  readonly kind: 'unary';
  handle(request: Buffer): Buffer | Promise<Buffer>;
}

/** Any number of messages in both directions. */
export interface StreamMethod {
  readonly kind: 'stream';
  open(peer: StreamPeer): StreamHandler;
}

export interface StreamPeer {
  /** Queues a frame. False: the client reads more slowly than we send; stop until `drained`. Ignored after the end. */
  send(frame: Buffer): boolean;
  /** Ends the call after what was sent, with an error or successfully. */
  end(error?: RpcError): void;
}

export interface StreamHandler {
  /** A thrown `RpcError` ends the call with it. */
  received(message: Buffer): void;
  /** The client will send nothing more. */
  finished(): void;
  /** What `send` refused to take more of has been taken by the client. */
  drained(): void;
  /** The call is over, from whichever side; called once, and last. */
  closed(): void;
}

/** Path (`/etcdserverpb.KV/Range`) → method. */
export type MethodTable = ReadonlyMap<string, Method>;

export interface Transport extends AsyncDisposable {
  /** Connections open now. */
  readonly connections: number;
}
