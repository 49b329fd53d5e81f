import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { createLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { EtcdClient } from '../../../src/datastore/testing/etcd-client.ts';
import { bytes, defineMessage } from '../../../src/datastore/wire/codec/message.ts';
import { percentEncode } from '../../../src/datastore/wire/http2-call.ts';
import { Http2Transport } from '../../../src/datastore/wire/http2-transport.ts';
import { Code, RpcError } from '../../../src/datastore/wire/status.ts';
import type { Method, StreamHandler, StreamPeer } from '../../../src/datastore/wire/transport.ts';

const Blob = defineMessage({ data: bytes(1) });

let resources: AsyncDisposableStack;
let socket: string;
let logged: string[];
beforeEach(async () => {
  resources = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'transport-'));
  resources.defer(() => rm(directory, { recursive: true }));
  socket = join(directory, 's');
  logged = [];
});
afterEach(() => resources.disposeAsync());

async function serve(methods: Record<string, Method>, clock = systemClock) {
  const log = createLogger({ clock, level: 'warn', format: 'text', write: (line) => logged.push(line) });
  const table = new Map(Object.entries(methods));
  const transport = new Http2Transport({ methods: table, clock, log, maxReceiveBytes: 10_000, maxQueuedBytes: 50_000 });
  await transport.listen(socket);
  const server = resources.use({ transport, [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose]() });
  const client = resources.use(await EtcdClient.connect(socket));
  const call = (path: string, data = Buffer.from('x')) => client.call(path, Blob, { data }, Blob);
  const stream = (path: string) => client.stream(path, Blob, Blob);
  return { ...server, client, call, stream };
}

const reply = (length: number): Buffer => Blob.encodeFrame({ data: Buffer.alloc(length, 7) });
const unary = (handle: (request: Buffer) => Buffer | Promise<Buffer>): Method => ({ kind: 'unary', handle });

/** A stream method that hands its peer and what happens to it to the test. */
function observed() {
  const events: string[] = [];
  const opened = Promise.withResolvers<StreamPeer>();
  const closed = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const two = Promise.withResolvers<void>();
  const handler: StreamHandler = {
    received: (message) => {
      events.push(`received ${Blob.decode(message).data.toString()}`);
      if (events.length === 2) two.resolve();
    },
    finished: () => events.push('finished'),
    drained: () => drained.resolve(),
    closed: () => {
      events.push('closed');
      closed.resolve();
    },
  };
  const method: Method = {
    kind: 'stream',
    open: (peer) => {
      opened.resolve(peer);
      return handler;
    },
  };
  return {
    method,
    events,
    opened: opened.promise,
    closed: closed.promise,
    drained: drained.promise,
    two: two.promise,
    handler,
  };
}

describe('unary calls', () => {
  test('are answered, at once or later, whatever the size', async () => {
    const { call } = await serve({
      '/now': unary(() => reply(3)),
      '/later': unary(async (request) => Blob.encodeFrame(Blob.decode(request))),
      '/large': unary(() => reply(5_000_000)),
    });
    expect((await call('/now')).data).toEqual(Buffer.alloc(3, 7));
    expect((await call('/later', Buffer.from('echo'))).data.toString()).toBe('echo');
    expect((await call('/large')).data).toHaveLength(5_000_000);
  });

  test('run side by side on one connection', async () => {
    const held: ((frame: Buffer) => void)[] = [];
    const { call } = await serve({
      '/hold': unary(() => new Promise((resolve) => held.push(resolve))),
      '/release': unary(() => {
        for (const resolve of held) resolve(reply(1));
        return reply(1);
      }),
    });
    const holding = Array.from({ length: 200 }, () => call('/hold'));
    await call('/release');
    expect(await Promise.all(holding)).toHaveLength(200);
  });

  test('end with the status that the handler throws, words and all', async () => {
    const message = '100% großer Fehler\n';
    const { call } = await serve({
      '/throws': unary(() => {
        throw new RpcError(Code.NOT_FOUND, message);
      }),
      '/rejects': unary(() => Promise.reject(new RpcError(Code.OUT_OF_RANGE, 'far'))),
    });
    await expect(call('/throws')).rejects.toMatchObject({ code: Code.NOT_FOUND, message });
    await expect(call('/rejects')).rejects.toMatchObject({ code: Code.OUT_OF_RANGE, message: 'far' });
    expect(logged).toEqual([]);
  });

  test('that fail for a reason of ours are logged and say nothing of it', async () => {
    const { call } = await serve({ '/broken': unary(() => Promise.reject(new Error('secret detail'))) });
    await expect(call('/broken')).rejects.toMatchObject({
      code: Code.INTERNAL,
      message: 'internal error; see the log of the datastore',
    });
    expect(logged.join()).toContain('secret detail');
  });

  test('with a message that cannot be read are refused', async () => {
    const Broken = defineMessage({ data: bytes(1) });
    const { client } = await serve({ '/read': unary((request) => Blob.encodeFrame(Blob.decode(request))) });
    const broken = Object.assign(Object.create(Broken), { encodeFrame: () => Buffer.from([0, 0, 0, 0, 1, 0x0f]) });
    await expect(client.call('/read', broken, {}, Blob)).rejects.toMatchObject({
      code: Code.INTERNAL,
      message: expect.stringContaining('error unmarshalling request'),
    });
  });

  test('with too large a message, or none, or to nowhere, are refused', async () => {
    const { call, stream } = await serve({ '/now': unary(() => reply(1)) });
    await expect(call('/now', Buffer.alloc(20_000))).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    await expect(call('/nowhere')).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
    const silent = stream('/now');
    silent.finish();
    await expect(silent.ended).rejects.toMatchObject({ code: Code.INTERNAL, message: 'the request has no message' });
  });

  test('take the first message and ignore others', async () => {
    const seen: string[] = [];
    const { stream } = await serve({
      '/once': unary((request) => {
        seen.push(Blob.decode(request).data.toString());
        return reply(1);
      }),
    });
    const twice = stream('/once');
    twice.send({ data: Buffer.from('first') });
    twice.send({ data: Buffer.from('second') });
    twice.finish();
    await twice.ended;
    expect(seen).toEqual(['first']);
  });

  test('that the client breaks off do not disturb anything', async () => {
    const started = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Buffer>();
    const { stream, call } = await serve({
      '/slow': unary(() => {
        started.resolve();
        return answer.promise;
      }),
      '/now': unary(() => reply(1)),
    });
    const slow = stream('/slow');
    slow.send({});
    await started.promise;
    slow.cancel();
    await expect(slow.ended).rejects.toThrow();
    answer.resolve(reply(1));
    expect((await call('/now')).data).toHaveLength(1);
    expect(logged).toEqual([]);
  });
});

test('calls that are broken off at any moment leave the server working', async () => {
  const { stream, call } = await serve({
    '/soon': unary(() => new Promise((resolve) => setImmediate(() => resolve(reply(100))))),
    '/fails': unary(() => new Promise((_, reject) => setImmediate(() => reject(new RpcError(Code.NOT_FOUND, 'x'))))),
    '/stream': {
      kind: 'stream',
      open: (peer) => ({
        received: () => setImmediate(() => peer.send(reply(100_000))),
        finished: () => peer.end(),
        drained: () => {},
        closed: () => {},
      }),
    },
  });
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  for (let round = 0; round < 60; round++) {
    const calls = ['/soon', '/fails', '/stream'].map((path) => stream(path));
    for (const each of calls) {
      each.send({});
      if (round % 2 === 0) each.finish();
    }
    await turns(round % 12);
    for (const each of calls) each.cancel();
  }
  expect((await call('/soon')).data).toHaveLength(100);
  expect(logged).toEqual([]);
});

describe('requests that are not gRPC', () => {
  let session: ClientHttp2Session;
  const request = async (headers: OutgoingHttpHeaders): Promise<IncomingHttpHeaders> => {
    session = connect('http://localhost', { createConnection: () => connectSocket(socket) });
    resources.defer(() => session.destroy());
    const stream = session.request(headers);
    stream.end();
    return new Promise((resolve) => stream.once('response', resolve));
  };

  test('get the HTTP status that gRPC prescribes', async () => {
    await serve({});
    expect((await request({ ':method': 'GET', ':path': '/' }))[':status']).toBe(405);
    expect((await request({ ':method': 'POST', ':path': '/', 'content-type': 'text/plain' }))[':status']).toBe(415);
  });
});

describe('streams', () => {
  test('carry messages both ways until the server ends them', async () => {
    const { method, events, opened, closed, two } = observed();
    const { stream } = await serve({ '/stream': method });
    const call = stream('/stream');
    const peer = await opened;
    call.send({ data: Buffer.from('1') });
    call.send({ data: Buffer.from('2') });
    peer.send(reply(1));
    peer.send(reply(2));
    expect((await call.next()).data).toHaveLength(1);
    expect((await call.next()).data).toHaveLength(2);
    await two;
    peer.end(new RpcError(Code.CANCELLED, 'enough'));
    await expect(call.ended).rejects.toMatchObject({ code: Code.CANCELLED, message: 'enough' });
    await closed;
    expect(events).toEqual(['received 1', 'received 2', 'closed']);
    expect(peer.send(reply(1))).toBe(false);
    peer.end();
  });

  test('tell the handler when the client has finished or gone', async () => {
    const { method, events, closed, opened } = observed();
    const { stream } = await serve({ '/stream': method });
    const call = stream('/stream');
    call.send({ data: Buffer.from('1') });
    call.finish();
    (await opened).send(reply(1));
    await call.next();
    call.cancel();
    await closed;
    expect(events).toEqual(['received 1', 'finished', 'closed']);
  });

  test('ask the handler to pause when the client reads slowly, and to go on when it has caught up', async () => {
    const { method, opened, drained } = observed();
    const { stream } = await serve({ '/stream': method });
    const call = stream('/stream');
    const peer = await opened;
    call.pause();
    let sent = 1;
    while (peer.send(reply(20_000))) sent++;
    expect(sent).toBeLessThan(100);
    call.resume();
    for (let seen = 0; seen < sent; seen++) expect((await call.next()).data).toHaveLength(20_000);
    await drained;
    expect(peer.send(reply(1))).toBe(true);
  });

  test('end with what the handler throws', async () => {
    const { method, handler } = observed();
    handler.received = () => {
      throw new RpcError(Code.INVALID_ARGUMENT, 'not that');
    };
    const { stream } = await serve({ '/stream': method });
    const call = stream('/stream');
    call.send({});
    await expect(call.ended).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT, message: 'not that' });
  });
});

describe('closing the transport', () => {
  test('ends streams so that clients resume, answers what is under way and accepts nothing more', async () => {
    const { method, closed } = observed();
    const answer = Promise.withResolvers<Buffer>();
    const started = Promise.withResolvers<void>();
    const { transport, stream } = await serve({
      '/stream': method,
      '/slow': unary(() => {
        started.resolve();
        return answer.promise;
      }),
    });
    expect(transport.connections).toBe(1);
    const watch = stream('/stream');
    const slow = stream('/slow');
    slow.send({});
    slow.finish();
    await started.promise;
    const end = transport[Symbol.asyncDispose]();
    await expect(watch.ended).rejects.toMatchObject({ code: Code.UNAVAILABLE, message: 'etcdserver: server stopped' });
    watch.finish();
    answer.resolve(reply(1));
    expect((await slow.next()).data).toHaveLength(1);
    await end;
    await closed;
    expect(transport.connections).toBe(0);
    await expect(EtcdClient.connect(socket)).rejects.toThrow();
  });

  test('does not wait for ever for a client that takes nothing', async () => {
    const clock = new VirtualClock();
    const { method, opened } = observed();
    const { transport, stream } = await serve({ '/stream': method }, clock);
    const watch = stream('/stream');
    const peer = await opened;
    watch.pause();
    for (let at = 0; at < 50; at++) peer.send(reply(20_000));
    const end = transport[Symbol.asyncDispose]();
    await clock.advance(1000);
    await end;
    expect(transport.connections).toBe(0);
  });
});

test('grpc-message is percent-encoded as gRPC prescribes', () => {
  expect(percentEncode('50% of ä\n')).toBe('50%25 of %C3%A4%0A');
});
