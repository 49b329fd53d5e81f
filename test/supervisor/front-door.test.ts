import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { apiServerNames } from '../../src/supervisor/front-door.ts';
import { ask, endlessAnswer, openStage, textOf, type Stage } from './stage.ts';

const dial = (stage: Stage, allowHalfOpen = false): Socket => {
  const socket = connectTcp({ host: '127.0.0.1', port: stage.supervisor.port, allowHalfOpen });
  socket.on('error', () => undefined);
  return socket;
};

/** What an incoming TLS connection shows of its client: the supervisor's own, or the client's. */
const seenBy = (stage: Stage): string | undefined => stage.api.seen.at(-1)?.headers['x-forwarded-for']?.[0];

describe('apiServerNames', () => {
  test('are the names of the kubernetes service, in lower case', () => {
    expect([...apiServerNames('Cluster.Example')]).toEqual([
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.example',
    ]);
  });
});

describe('front door', () => {
  test.each([
    ['kubernetes', true],
    ['KUBERNETES.default', true],
    ['kubernetes.default.svc', true],
    ['kubernetes.default.svc.cluster.local', true],
    ['kubernetes.default.svc.example.org', false],
    ['xkubernetes', false],
    ['localhost', false],
  ])('a connection to %s is passed through: %s', async (servername, spliced) => {
    await using stage = await openStage();
    await ask(stage, '/api', { as: stage.certificates.admin, servername, checkServerIdentity: () => undefined });
    // Headers of ours are on every request that we have touched.
    expect(seenBy(stage)).toBe(spliced ? undefined : '127.0.0.1');
  });

  test('terminates every connection when it is told to', async () => {
    await using stage = await openStage({ supervisor: { apiFront: 'terminate' } });
    await ask(stage, '/api', { as: stage.certificates.admin, servername: 'kubernetes' });
    expect(seenBy(stage)).toBe('127.0.0.1');
  });

  test('passes upload and download of many buffers through unchanged', async () => {
    await using stage = await openStage({ answer: (request, response) => void request.pipe(response) });
    const body = 'abcdefgh'.repeat(512 * 1024);
    const answer = await ask(stage, '/api', { servername: 'kubernetes', method: 'PUT', body });
    expect(answer.body).toBe(body);
  });

  test('terminates a connection to kube-apiserver that cannot be passed on, and explains', async () => {
    await using stage = await openStage();
    await stage.api[Symbol.asyncDispose]();
    const answer = await ask(stage, '/api', { as: stage.certificates.admin, servername: 'kubernetes' });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', message: 'apiserver not ready' });
  });

  test.each(['kubernetes', 'localhost'])('takes a ClientHello to %s byte by byte', async (servername) => {
    await using stage = await openStage();
    const transport = dial(stage);
    await once(transport, 'connect');
    const client = connectTls({
      socket: await openBytewise(transport),
      ca: stage.certificates.serverCa.ca,
      servername,
      checkServerIdentity: () => undefined,
    });
    client.write('GET /cacerts HTTP/1.1\r\nHost: k3s\r\nConnection: close\r\n\r\n');
    const text = await textOf(client);
    expect(text).toContain(servername === 'kubernetes' ? 'from the API' : 'BEGIN CERTIFICATE');
  });

  test('speaks HTTP/2 to clients that ask for it, and lets kube-apiserver choose for those it passes through', async () => {
    await using stage = await openStage();
    for (const [servername, protocol, shownBy] of [
      ['localhost', 'h2', 'k3s'],
      // The stand-in has HTTP/1.1 only, and it is its word that counts.
      ['kubernetes', 'http/1.1', 'kube-apiserver'],
    ] as const) {
      const socket = connectTls({
        host: '127.0.0.1',
        port: stage.supervisor.port,
        servername,
        ca: stage.certificates.serverCa.ca,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      await once(socket, 'secureConnect');
      expect([socket.alpnProtocol, socket.getPeerCertificate().subject.CN]).toEqual([protocol, shownBy]);
      socket.destroy();
    }
  });

  test('the end of one direction leaves the other open', async () => {
    await using stage = await openStage({
      answer(request, response) {
        request.on('data', () => undefined).on('end', () => response.end('after the end'));
      },
    });
    const options = {
      host: '127.0.0.1',
      port: stage.supervisor.port,
      servername: 'kubernetes',
      ca: stage.certificates.serverCa.ca,
      allowHalfOpen: true,
    };
    const socket = connectTls(options);
    Object.assign(stage.api.server, { httpAllowHalfOpen: true });
    socket.end('POST /api HTTP/1.1\r\nHost: k3s\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi');
    expect(await textOf(socket)).toContain('after the end');
  });

  test('a client that goes away ends its passed-through connection', async () => {
    await using stage = await openStage({ answer: (_, response) => void response.write('event') });
    const gone = new Promise((resolve) =>
      stage.api.server.once('connection', (socket: Socket) => socket.once('close', resolve)),
    );
    const request = httpsRequest({
      host: '127.0.0.1',
      port: stage.supervisor.port,
      servername: 'kubernetes',
      ca: stage.certificates.serverCa.ca,
      agent: false,
    });
    request.on('error', () => undefined).end();
    await once(request, 'response');
    request.destroy();
    await gone;
    await settle();
    expect(stage.supervisor.connections).toBe(0);
  });

  test('holds kube-apiserver back when the client does not read', async () => {
    const { answer, stalled } = endlessAnswer();
    await using stage = await openStage({ answer });
    const request = httpsRequest({
      host: '127.0.0.1',
      port: stage.supervisor.port,
      servername: 'kubernetes',
      ca: stage.certificates.serverCa.ca,
      agent: false,
    });
    request.on('error', () => undefined).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause();
    expect(await stalled).toBeLessThan(64 * 1024 * 1024);
    request.destroy();
  });

  test('explains TLS to a client that speaks plain HTTP, and sends an alert to any other', async () => {
    await using stage = await openStage();
    const http = dial(stage);
    http.write('GET /ping HTTP/1.1\r\nHost: k3s\r\n\r\n');
    expect(await textOf(http)).toContain('Client sent an HTTP request to an HTTPS server.');
    const other = dial(stage);
    other.write('SSH-2.0-OpenSSH\r\n');
    const alert = Buffer.concat(await Array.fromAsync<Buffer>(other));
    expect([...alert]).toEqual([21, 3, 1, 0, 2, 2, 50]);
  });

  test('survives garbage of every kind, in every stage of a connection', async () => {
    await using stage = await openStage();
    const bytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array));
    const almostTls = bytes(400).map((rest) => Buffer.concat([Buffer.from([22, 3, 1, 1, 144, 1, 0, 1, 140]), rest]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes(300), almostTls), fc.boolean(), async (garbage, halfOpen) => {
        const socket = dial(stage, halfOpen);
        socket.write(garbage);
        if (halfOpen) socket.end();
        else socket.once('connect', () => setImmediate(() => socket.resetAndDestroy()));
        socket.resume();
        await once(socket, 'close');
      }),
      { numRuns: 150 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('h2', 'http/1.1'), bytes(300), async (protocol, garbage) => {
        const socket = connectTls({
          host: '127.0.0.1',
          port: stage.supervisor.port,
          ca: stage.certificates.serverCa.ca,
          ALPNProtocols: [protocol],
        });
        socket.on('error', () => undefined).resume();
        socket.write(
          protocol === 'h2' ? Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), garbage]) : garbage,
        );
        socket.end();
        await once(socket, 'close');
      }),
      { numRuns: 60 },
    );
    expect((await ask(stage, '/ping')).body).toBe('pong');
  });

  test('gives a client ten seconds to say what it wants', async () => {
    const clock = new VirtualClock();
    await using stage = await openStage({ clock });
    const silent = dial(stage).resume();
    const slow = dial(stage).resume();
    slow.write(Buffer.from([22, 3, 1]));
    await connections(stage, 2);
    await clock.advance(9_999);
    expect(stage.supervisor.connections).toBe(2);
    const closed = Promise.all([once(silent, 'close'), once(slow, 'close')]);
    await clock.advance(1);
    await closed;
    expect(stage.supervisor.connections).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('lets newcomers in past any number of clients that say nothing', async () => {
    const clock = new VirtualClock();
    await using stage = await openStage({ clock });
    const silent = Array.from({ length: 1100 }, () => dial(stage).resume());
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    expect((await ask(stage, '/ping')).body).toBe('pong');
    await connections(stage, 1024);
    for (const socket of silent) socket.destroy();
    await connections(stage, 0);
    expect(clock.pendingTimers).toBe(0);
  });
});

/** Waits until the supervisor has no more, or no fewer, connections than `count`. */
async function connections(stage: Stage, count: number): Promise<void> {
  while (stage.supervisor.connections !== count) await settle();
}

/** A socket before `transport`: what is written to it arrives there in segments of one byte, and back as it comes. */
async function openBytewise(transport: Socket): Promise<Socket> {
  transport.setNoDelay(true);
  const server = createServer((inner) => {
    inner.on('error', () => undefined);
    transport.pipe(inner);
    let written = Promise.resolve();
    inner.on('data', (chunk: Buffer) => {
      written = written.then(async () => {
        for (const byte of chunk) await new Promise((resolve) => transport.write(Buffer.of(byte), resolve));
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  server.close();
  return socket;
}
