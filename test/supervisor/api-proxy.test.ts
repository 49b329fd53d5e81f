import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { settle } from '../../src/core/testing/virtual-clock.ts';
import { createApiProxy } from '../../src/supervisor/api-proxy.ts';
import { createUpstream } from '../../src/supervisor/upstream.ts';
import { createServerCertificates } from './certificates.ts';
import { ask, endlessAnswer, openStage, startStandIn, textOf, type Stage } from './stage.ts';

const admin = (stage: Stage) => ({
  host: '127.0.0.1',
  port: stage.supervisor.port,
  ca: stage.certificates.serverCa.ca,
  agent: false as const,
  ...stage.certificates.admin,
});

function openHttp2(stage: Stage): ClientHttp2Session {
  return connectHttp2(`https://127.0.0.1:${stage.supervisor.port}`, {
    ca: stage.certificates.serverCa.ca,
    ...stage.certificates.admin,
  });
}

async function askHttp2(session: ClientHttp2Session, headers: IncomingHttpHeaders, body?: string) {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (received) => (trailers = received));
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }];
  return { head, body: await textOf(stream), trailers };
}

/** Echoes method, the framing of the body, and the body. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const framing = request.headers['transfer-encoding'] ?? request.headers['content-length'] ?? 'none';
  const body = await textOf(request);
  response.end(`${request.method} ${framing} ${body}`);
}

describe('API proxy over HTTP/1.1', () => {
  test.each([
    ['GET', {}, undefined, 'GET none '],
    ['POST', {}, undefined, 'POST 0 '],
    ['POST', { 'content-length': '5' }, 'hello', 'POST 5 hello'],
    ['PATCH', { 'transfer-encoding': 'chunked' }, 'hello', 'PATCH chunked hello'],
    ['DELETE', { 'content-length': '2' }, '{}', 'DELETE 2 {}'],
    ['DELETE', { 'transfer-encoding': 'chunked' }, '{}', 'DELETE chunked {}'],
    ['DELETE', {}, undefined, 'DELETE 0 '],
  ])('passes %s with %o on with the same body', async (method, headers, body, expected) => {
    await using stage = await openStage({ answer: (request, response) => void echo(request, response) });
    const answer = await ask(stage, '/api', {
      as: stage.certificates.admin,
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.body).toBe(expected);
  });

  test('leaves path and query as they were sent', async () => {
    await using stage = await openStage();
    const target = '/api/../%2e%2e//pods%2Fx;a?fieldSelector=a%3Db&x=%20+%7e';
    await ask(stage, target, { as: stage.certificates.admin });
    expect(stage.api.seen[0]?.url).toBe(target);
  });

  test('forwards a token untouched, over a connection that vouches for nothing', async () => {
    await using stage = await openStage();
    await ask(stage, '/api', {
      headers: { authorization: 'Bearer abc', 'X-Remote-User': 'system:admin', 'X-Remote-Group': 'system:masters' },
    });
    expect(stage.api.seen[0]).toMatchObject({ vouchedBy: undefined, headers: { authorization: ['Bearer abc'] } });
    expect(Object.keys(stage.api.seen[0]?.headers ?? {}).filter((name) => name.startsWith('x-remote'))).toEqual([]);
  });

  test('sends the first bytes of a watch as soon as kube-apiserver does', async () => {
    let watch: ServerResponse | undefined;
    await using stage = await openStage({
      answer(_, response) {
        watch = response;
        response.flushHeaders();
      },
    });
    const request = httpsRequest({ ...admin(stage), path: '/api/v1/pods?watch=1' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    for (const event of ['ADDED', 'MODIFIED']) {
      watch?.write(event);
      expect(String((await once(response, 'data'))[0])).toBe(event);
    }
    request.destroy();
  });

  test('ends the request to kube-apiserver when the client goes away', async () => {
    let ended: Promise<unknown> | undefined;
    await using stage = await openStage({
      answer(_, response) {
        ended = once(response, 'close');
        response.write('event');
      },
    });
    const request = httpsRequest({ ...admin(stage), path: '/api/v1/pods?watch=1' });
    request.on('error', () => undefined).end();
    await once(request, 'response');
    request.destroy();
    await ended;
    expect(ended).toBeDefined();
  });

  test('cuts the answer off when kube-apiserver breaks off, so that it does not look whole', async () => {
    await using stage = await openStage({
      answer(_, response) {
        response.write('half', () => response.destroy());
      },
    });
    await expect(ask(stage, '/api', { as: stage.certificates.admin })).rejects.toThrow(/aborted|hang up/);
  });

  test('does not let kube-apiserver run ahead of a client that does not read', async () => {
    const { answer, stalled } = endlessAnswer();
    await using stage = await openStage({ answer });
    const request = httpsRequest({ ...admin(stage), path: '/api' });
    request.on('error', () => undefined).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause();
    // Two TLS connections' kernel buffers (each a few MB at most) and three streams' worth.
    expect(await stalled).toBeLessThan(64 * 1024 * 1024);
    request.destroy();
  });

  test('passes 100 Continue from kube-apiserver to the client, not before', async () => {
    let continued = false;
    await using stage = await openStage();
    stage.api.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      continued = true;
      response.writeContinue();
      void echo(request, response);
    });
    const request = httpsRequest({
      ...admin(stage),
      method: 'PUT',
      path: '/api',
      headers: { expect: '100-continue', 'content-length': '4' },
    });
    request.flushHeaders();
    await once(request, 'continue');
    expect(continued).toBe(true);
    request.end('body');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(await textOf(response)).toBe('PUT 4 body');
  });

  test('closes the connection when the answer came before the body that the client was to wait with', async () => {
    await using stage = await openStage();
    stage.api.server.on('checkContinue', (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(413).end('too large');
    });
    const request = httpsRequest({
      ...admin(stage),
      method: 'PUT',
      path: '/api',
      headers: { expect: '100-continue', 'content-length': '4' },
    });
    request.on('error', () => undefined).flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.headers.connection).toBe('close');
    expect(await textOf(response)).toBe('too large');
  });

  test('passes trailers', async () => {
    await using stage = await openStage({
      answer(_, response) {
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.write('body');
        response.addTrailers({ 'X-Sum': '42' });
        response.end();
      },
    });
    const request = httpsRequest({ ...admin(stage), path: '/api' });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await textOf(response);
    expect(response.trailers).toEqual({ 'x-sum': '42' });
  });

  test('says 503 with a Status until kube-apiserver listens', async () => {
    await using stage = await openStage();
    await stage.api[Symbol.asyncDispose]();
    const answer = await ask(stage, '/readyz', { as: stage.certificates.admin });
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', code: 503, message: 'apiserver not ready' });

    await using api = await startStandIn(stage.certificates, undefined, stage.api.port);
    expect((await ask(stage, '/readyz', { as: stage.certificates.admin })).body).toBe('from the API');
    expect(api.seen.length).toBe(1);
  });

  test('does not invite to repeat a request that kube-apiserver may have carried out', async () => {
    await using stage = await openStage({ answer: (request) => request.socket.destroy() });
    const answer = await ask(stage, '/api', { as: stage.certificates.admin, method: 'POST', body: '{}' });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBeUndefined();
  });

  test('repeats a read whose idle connection kube-apiserver had just closed', async () => {
    let requests = 0;
    await using stage = await openStage({
      answer(request, response) {
        // The second request arrives on the first one's connection.
        if (++requests === 2) request.socket.destroy();
        else response.end('read');
      },
    });
    await ask(stage, '/api', { as: stage.certificates.admin });
    expect(await ask(stage, '/api', { as: stage.certificates.admin })).toMatchObject({ status: 200, body: 'read' });
    expect(requests).toBe(3);
  });

  test('serves several requests on one connection, pipelined ones too', async () => {
    await using stage = await openStage({ answer: (request, response) => response.end(request.url) });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers = await Promise.all(
      ['/a', '/b', '/c'].map((path) => ask(stage, path, { as: stage.certificates.admin, agent })),
    );
    expect(answers.map((answer) => answer.body)).toEqual(['/a', '/b', '/c']);
    agent.destroy();

    const socket = connect({ ...admin(stage) });
    const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: k3s\r\n${more}\r\n`;
    socket.write(get('/d') + get('/ping') + get('/e', 'Connection: close\r\n'));
    const text = await textOf(socket);
    expect(text.match(/\/d|pong|\/e/g)).toEqual(['/d', 'pong', '/e']);
  });

  test.each([
    ['a control character', 'GET /\u0001 HTTP/1.1\r\nHost: k3s\r\n\r\n'],
    ['a target that is not ASCII', 'GET /\u20ac HTTP/1.1\r\nHost: k3s\r\nConnection: close\r\n\r\n'],
    [
      'an upgrade whose target is not ASCII',
      'GET /\u20ac HTTP/1.1\r\nHost: k3s\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    ],
  ])('refuses %s, and goes on serving', async (_, text) => {
    await using stage = await openStage();
    const socket = connect({ ...admin(stage) });
    socket.write(text);
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 400 /);
    expect((await ask(stage, '/ping')).status).toBe(200);
  });

  test('asks a client to come back when too many requests are under way', async () => {
    const held: ServerResponse[] = [];
    const certificates = createServerCertificates();
    await using api = await startStandIn(certificates, (_, response) => void held.push(response));
    using upstream = createUpstream({
      ...certificates,
      host: '127.0.0.1',
      port: api.port,
      serverCa: certificates.serverCa.ca,
    });
    const proxy = createApiProxy({ upstream, log: silentLogger, mostUnderWay: 1 });
    const peer = { identity: { name: 'alice', groups: [] }, address: '192.0.2.7' };
    const server = createServer((request, response) => proxy(request, response, peer)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
    const first = fetch(url);
    while (held.length === 0) await settle();
    const second = await fetch(url);
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
    held[0]?.end('first');
    expect(await (await first).text()).toBe('first');
    const third = fetch(url);
    while (held.length === 1) await settle();
    held[1]?.end('third');
    expect((await third).status).toBe(200);
    server.closeAllConnections();
    server.close();
  });

  test.each([
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 4\r\n'],
    ['a length and chunks', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n'],
    ['a folded header', 'X-A: 1\r\n X-Remote-User: admin\r\n'],
    ['a blank before the colon', 'X-Remote-User : admin\r\n'],
    ['no host', ''],
  ])('refuses a request with %s', async (name, lines) => {
    await using stage = await openStage();
    const socket = connect({ ...admin(stage) });
    socket.write(`POST /api HTTP/1.1\r\n${name === 'no host' ? '' : 'Host: k3s\r\n'}${lines}\r\n`);
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 400 /);
    expect(stage.api.seen).toEqual([]);
  });
});

describe('API proxy over HTTP/2', () => {
  test('serves own and proxied paths, many at once, on one connection', async () => {
    await using stage = await openStage({ answer: (request, response) => void echo(request, response) });
    const session = openHttp2(stage);
    const answers = await Promise.all([
      askHttp2(session, { ':path': '/ping' }),
      askHttp2(session, { ':path': '/api' }),
      askHttp2(session, { ':path': '/api', ':method': 'POST' }, 'streamed'),
      askHttp2(session, { ':path': '/api', ':method': 'PUT', 'content-length': '5' }, 'sized'),
      askHttp2(session, { ':path': '/api', ':method': 'POST' }),
    ]);
    expect(answers.map((answer) => answer.body)).toEqual([
      'pong',
      'GET none ',
      'POST chunked streamed',
      'PUT 5 sized',
      'POST 0 ',
    ]);
    for (const request of stage.api.seen) {
      expect(request.headers).toMatchObject({
        'x-remote-user': ['system:admin'],
        host: [`127.0.0.1:${stage.supervisor.port}`],
      });
    }
    expect(stage.supervisor.connections).toBe(1);
    session.close();
  });

  test('answers HEAD, failures and trailers', async () => {
    await using stage = await openStage({
      answer(_, response) {
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.write('body');
        response.addTrailers({ 'X-Sum': '42' });
        response.end();
      },
    });
    const session = openHttp2(stage);
    expect(await askHttp2(session, { ':path': '/cacerts', ':method': 'HEAD' })).toMatchObject({ body: '' });
    expect(await askHttp2(session, { ':path': '/api' })).toMatchObject({ body: 'body', trailers: { 'x-sum': '42' } });
    await stage.api[Symbol.asyncDispose]();
    const down = await askHttp2(session, { ':path': '/api' });
    expect(down.head[':status']).toBe(503);
    expect(JSON.parse(down.body)).toMatchObject({ message: 'apiserver not ready' });
  });

  test('a failure takes no more requests on its connection, and lets others finish', async () => {
    const { promise: held, resolve: hold } = Promise.withResolvers<ServerResponse>();
    await using stage = await openStage({ answer: (_, response) => hold(response) });
    const session = openHttp2(stage);
    const watch = session.request({ ':path': '/api' });
    (await held).write('begin ');
    await once(watch, 'data');
    const closed = once(session, 'close');
    const goaway = once(session, 'goaway');
    expect((await askHttp2(session, { ':path': '/ping', ':method': 'POST' })).head[':status']).toBe(405);
    await goaway;
    (await held).end('end');
    expect(await textOf(watch)).toBe('end');
    await closed;
  });

  test('a cancelled stream ends its request and leaves the others alone', async () => {
    const closed: string[] = [];
    const open = new Map<string, ServerResponse>();
    const warnings: string[] = [];
    await using stage = await openStage({
      log: { ...silentLogger, warn: (message) => void warnings.push(message) },
      answer(request, response) {
        const url = request.url ?? '';
        open.set(url, response);
        response.on('close', () => closed.push(url));
        if (url === '/stays') response.write('begin');
      },
    });
    const session = openHttp2(stage);
    const [gone, stays] = ['/gone', '/stays'].map((path) => session.request({ ':path': path }));
    if (gone === undefined || stays === undefined) throw new Error('two streams were asked for');
    await once(stays, 'data');
    while (!open.has('/gone')) await settle();
    const ended = once(open.get('/gone') as ServerResponse, 'close');
    gone.close(constants.NGHTTP2_CANCEL);
    await ended;
    expect(closed).toEqual(['/gone']);
    // The client's doing, not a failure of kube-apiserver's.
    expect(warnings).toEqual([]);
    open.get('/stays')?.write('more');
    expect(String((await once(stays, 'data'))[0])).toBe('more');
    session.destroy();
  });

  test('an answer that HTTP/2 cannot carry resets its stream', async () => {
    await using stage = await openStage({
      answer(_, response) {
        response.writeHead(200, ['Content-Type', 'a/b', 'Content-Type', 'c/d']).end('body');
      },
    });
    const session = openHttp2(stage);
    await expect(askHttp2(session, { ':path': '/api' })).rejects.toThrow();
    expect((await askHttp2(session, { ':path': '/ping' })).body).toBe('pong');
    session.close();
  });

  test('a broken answer resets its stream', async () => {
    await using stage = await openStage({
      answer(_, response) {
        response.write('half', () => response.destroy());
      },
    });
    const session = openHttp2(stage);
    await expect(askHttp2(session, { ':path': '/api' })).rejects.toThrow();
    expect((await askHttp2(session, { ':path': '/ping' })).body).toBe('pong');
    session.close();
  });
});
