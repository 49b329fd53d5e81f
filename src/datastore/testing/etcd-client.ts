import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Encodable, Message } from '../wire/codec/message.ts';
import { FrameParser } from '../wire/frame-parser.ts';
import * as kv from '../wire/messages/kv.ts';
import * as lease from '../wire/messages/lease.ts';
import { WatchRequest, WatchResponse } from '../wire/messages/watch.ts';
import { Code, RpcError } from '../wire/status.ts';

const UNLIMITED = 2 ** 31 - 1;

/** Calls the etcd API over a unix socket, for tests. */
export class EtcdClient implements AsyncDisposable {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async connect(socket: string): Promise<EtcdClient> {
    const session = connect('http://localhost', { createConnection: () => connectSocket(socket) });
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.once('error', reject);
    });
    // A server that goes away is seen by the calls.
    session.on('error', () => {});
    return new EtcdClient(session);
  }

  range(request: Encodable<kv.RangeRequest>): Promise<kv.RangeResponse> {
    return this.call('/etcdserverpb.KV/Range', kv.RangeRequest, request, kv.RangeResponse);
  }

  put(request: Encodable<kv.PutRequest>): Promise<kv.PutResponse> {
    return this.call('/etcdserverpb.KV/Put', kv.PutRequest, request, kv.PutResponse);
  }

  deleteRange(request: Encodable<kv.DeleteRangeRequest>): Promise<kv.DeleteRangeResponse> {
    return this.call('/etcdserverpb.KV/DeleteRange', kv.DeleteRangeRequest, request, kv.DeleteRangeResponse);
  }

  txn(request: Encodable<kv.TxnRequest>): Promise<kv.TxnResponse> {
    return this.call('/etcdserverpb.KV/Txn', kv.TxnRequest, request, kv.TxnResponse);
  }

  async compact(revision: number, physical = false): Promise<void> {
    await this.call('/etcdserverpb.KV/Compact', kv.CompactionRequest, { revision, physical }, kv.CompactionResponse);
  }

  /** The newest revision. */
  async revision(): Promise<number> {
    const { header } = await this.range({ key: '\0' });
    return header?.revision ?? 0;
  }

  grantLease(ttl: number, id = 0n) {
    return this.call('/etcdserverpb.Lease/LeaseGrant', lease.LeaseGrantRequest, { ttl, id }, lease.LeaseGrantResponse);
  }

  revokeLease(id: bigint) {
    return this.call('/etcdserverpb.Lease/LeaseRevoke', lease.LeaseRevokeRequest, { id }, lease.LeaseRevokeResponse);
  }

  timeToLive(id: bigint) {
    const request = { id, keys: true };
    return this.call(
      '/etcdserverpb.Lease/LeaseTimeToLive',
      lease.LeaseTimeToLiveRequest,
      request,
      lease.LeaseTimeToLiveResponse,
    );
  }

  watch(): ClientStream<WatchRequest, WatchResponse> {
    return this.stream('/etcdserverpb.Watch/Watch', WatchRequest, WatchResponse);
  }

  /** One request, one reply. Rejects with RpcError. */
  async call<Q extends object, R extends object>(
    path: string,
    requestType: Message<Q>,
    request: Encodable<Q>,
    responseType: Message<R>,
  ): Promise<R> {
    const stream = this.stream(path, requestType, responseType);
    stream.send(request);
    stream.finish();
    const response = await stream.next();
    await stream.ended;
    return response;
  }

  stream<Q extends object, R extends object>(
    path: string,
    requestType: Message<Q>,
    responseType: Message<R>,
  ): ClientStream<Q, R> {
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    return new ClientStream(stream, requestType, responseType);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#session.destroyed) return;
    const closed = new Promise<void>((resolve) => this.#session.once('close', () => resolve()));
    this.#session.destroy();
    await closed;
  }
}

/** One call, with its messages in both directions. */
export class ClientStream<Q extends object, R extends object> {
  /** Resolves when the call has succeeded; rejects with its RpcError. */
  readonly ended: Promise<void>;
  readonly #stream: ClientHttp2Stream;
  readonly #requestType: Message<Q>;
  readonly #received: R[] = [];
  readonly #waiting: { resolve: (response: R) => void; reject: (error: unknown) => void }[] = [];
  #end: RpcError | undefined;

  constructor(stream: ClientHttp2Stream, requestType: Message<Q>, responseType: Message<R>) {
    this.#stream = stream;
    this.#requestType = requestType;
    const parser = new FrameParser(UNLIMITED, (message) => this.#deliver(responseType.decode(message)));
    let status: Record<string, unknown> = {};
    stream.on('response', (headers) => (status = headers));
    stream.on('trailers', (trailers) => (status = trailers));
    stream.on('data', (chunk: Buffer) => parser.push(chunk));
    stream.on('error', () => {});
    // The server's status ends the call, whatever else there was to say.
    stream.on('end', () => stream.end());
    this.ended = new Promise((resolve, reject) => {
      stream.on('close', () => {
        const error = statusOf(status);
        this.#end = error ?? new RpcError(Code.OK, 'the call is over');
        for (const { reject: refuse } of this.#waiting.splice(0)) refuse(this.#end);
        if (error === undefined) resolve();
        else reject(error);
      });
    });
    this.ended.catch(() => {});
  }

  send(request: Encodable<Q>): void {
    this.#stream.write(this.#requestType.encodeFrame(request));
  }

  finish(): void {
    this.#stream.end();
  }

  /** Breaks the call off, as a client that has lost interest does. */
  cancel(): void {
    this.#stream.close(8);
  }

  /** Stops reading, so that the server's messages pile up. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** The next message; rejects when the call ends first. */
  next(): Promise<R> {
    const response = this.#received.shift();
    if (response !== undefined) return Promise.resolve(response);
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #deliver(response: R): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#received.push(response);
    else waiting.resolve(response);
  }
}

function statusOf(headers: Record<string, unknown>): RpcError | undefined {
  const status = headers['grpc-status'];
  if (status === '0') return undefined;
  if (typeof status !== 'string') return new RpcError(Code.UNAVAILABLE, 'the connection was lost');
  const message = headers['grpc-message'];
  return new RpcError(Number(status) as Code, typeof message === 'string' ? decodeURIComponent(message) : '');
}
