import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { wantsUpgrade } from '../../src/supervisor/api-upgrade.ts';
import { ask, openStage, textOf, type Stage } from './stage.ts';

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

async function openUpgradeStage(onUpgrade: OnUpgrade): Promise<Stage> {
  const stage = await openStage();
  stage.api.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    onUpgrade(request, socket, head);
  });
  return stage;
}

/** Switches to a protocol that sends everything back in capitals. */
const shout: OnUpgrade = (request, socket, head) => {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
  );
  const answer = (chunk: Buffer): void => void socket.write(chunk.toString().toUpperCase());
  if (head.length > 0) answer(head);
  socket.on('data', answer).on('end', () => socket.end());
};

function upgradeRequest(stage: Stage, headers: Record<string, string> = {}, method = 'POST') {
  return httpsRequest({
    host: '127.0.0.1',
    port: stage.supervisor.port,
    ca: stage.certificates.serverCa.ca,
    agent: false,
    method,
    path: '/api/v1/namespaces/default/pods/p/exec?command=sh',
    ...stage.certificates.admin,
    headers: {
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': 'v4.channel.k8s.io',
      ...(method === 'POST' ? { 'content-length': '0' } : {}),
      ...headers,
    },
  });
}

describe('upgrades', () => {
  test('connect a client with what kube-apiserver switched to, in both directions', async () => {
    await using stage = await openUpgradeStage(shout);
    const request = upgradeRequest(stage, { 'X-Remote-User': 'system:masters' });
    request.end();
    const [answer, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Duplex];
    expect(answer).toMatchObject({ statusCode: 101, headers: { upgrade: 'SPDY/3.1' } });
    socket.write('stdin');
    expect(String((await once(socket, 'data'))[0])).toBe('STDIN');
    expect(stage.api.seen[0]).toMatchObject({
      method: 'POST',
      vouchedBy: 'system:auth-proxy',
      headers: {
        upgrade: ['SPDY/3.1'],
        connection: ['Upgrade'],
        'content-length': ['0'],
        'x-stream-protocol-version': ['v4.channel.k8s.io'],
        'x-remote-user': ['system:admin'],
      },
    });
    socket.end();
    await once(socket, 'close');
  });

  test('carry WebSocket, with a token in a subprotocol as browsers send it', async () => {
    await using stage = await openUpgradeStage((request, socket) => {
      const key = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          `Sec-WebSocket-Accept: ${key}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
      );
      // One unmasked text frame in the same segment as nothing else: the head of the new protocol.
      socket.write(Buffer.concat([Buffer.of(0x81, 5), Buffer.from('hello')]));
    });
    const socket = new WebSocket(
      `wss://127.0.0.1:${stage.supervisor.port}/api/v1/pods`,
      ['base64url.bearer.authorization.k8s.io.dG9rZW4', 'v5.channel.k8s.io'],
      { ca: stage.certificates.serverCa.ca },
    );
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString()).toBe('hello');
    expect(socket.protocol).toBe('v5.channel.k8s.io');
    expect(stage.api.seen[0]?.vouchedBy).toBeUndefined();
    socket.terminate();
  });

  test('keep the bytes that either side sends together with its head', async () => {
    await using stage = await openUpgradeStage((_, socket, head) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfirst `);
      let text = head.toString();
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('end', () => socket.end(text));
    });
    const options = {
      host: '127.0.0.1',
      port: stage.supervisor.port,
      ca: stage.certificates.serverCa.ca,
      allowHalfOpen: true,
      ...stage.certificates.admin,
    };
    const socket = connect(options);
    socket.end('GET /api HTTP/1.1\r\nHost: k3s\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly');
    expect((await textOf(socket)).split('\r\n\r\n')[1]).toBe('first early');
  });

  test('show a refusal as the ordinary answer it is, and close', async () => {
    await using stage = await openUpgradeStage((_, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-A: 1\r\n\r\nno!\n');
    });
    const request = upgradeRequest(stage);
    request.end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    expect(answer).toMatchObject({ statusCode: 403, headers: { connection: 'close', 'x-a': '1' } });
    expect(await textOf(answer)).toBe('no!\n');
  });

  test('never connect a client without 101: what it sends after its request goes nowhere', async () => {
    const received: string[] = [];
    await using stage = await openUpgradeStage((_, socket, head) => {
      received.push(head.toString());
      socket.on('data', (chunk: Buffer) => received.push(chunk.toString()));
      socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    });
    const socket = connect({
      host: '127.0.0.1',
      port: stage.supervisor.port,
      ca: stage.certificates.serverCa.ca,
      ...stage.certificates.admin,
    });
    socket.write('GET /api HTTP/1.1\r\nHost: k3s\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    socket.write('GET /api/v1/secrets HTTP/1.1\r\nHost: k3s\r\nX-Remote-User: root\r\n\r\n');
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 400 /);
    expect(received.join('')).toBe('');
  });

  test('need credentials, and no body', async () => {
    await using stage = await openUpgradeStage(shout);
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    expect((await ask(stage, '/api', { headers })).status).toBe(401);
    expect((await ask(stage, '/%70ing', { headers })).status).toBe(401);
    const withBody = { ...headers, 'content-length': '4' };
    const answer = await ask(stage, '/api', {
      as: stage.certificates.admin,
      method: 'POST',
      headers: withBody,
      body: 'body',
    });
    expect(answer.status).toBe(400);
    expect(stage.api.seen).toEqual([]);
  });

  test('to HTTP/2, or of one of our own paths, are not taken up', async () => {
    await using stage = await openUpgradeStage(shout);
    const upgrade = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    expect(await ask(stage, '/api', { as: stage.certificates.admin, headers: upgrade })).toMatchObject({
      status: 200,
      body: 'from the API',
    });
    expect(stage.api.seen[0]?.headers).not.toHaveProperty('upgrade');
    expect(stage.api.seen[0]?.headers).not.toHaveProperty('http2-settings');
    expect((await ask(stage, '/ping', { headers: upgrade })).body).toBe('pong');
    expect((await ask(stage, '/ping', { headers: { ...upgrade, upgrade: 'websocket' } })).body).toBe('pong');
    expect(wantsUpgrade({ headers: { upgrade: 'h2c, websocket' } } as IncomingMessage)).toBe(false);
  });

  test('answer 503 while kube-apiserver does not listen', async () => {
    await using stage = await openUpgradeStage(shout);
    await stage.api[Symbol.asyncDispose]();
    const request = upgradeRequest(stage);
    request.end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(503);
    expect(JSON.parse(await textOf(answer))).toMatchObject({ message: 'apiserver not ready' });
  });

  test('end on both sides when either goes away', async () => {
    const ended: Promise<unknown>[] = [];
    let upstream: Duplex | undefined;
    await using stage = await openUpgradeStage((request, socket, head) => {
      upstream = socket;
      ended.push(once(socket, 'close'));
      shout(request, socket, head);
    });
    const first = upgradeRequest(stage);
    first.end();
    const [, client] = (await once(first, 'upgrade')) as [IncomingMessage, Duplex];
    client.destroy();
    await ended[0];

    const second = upgradeRequest(stage);
    second.end();
    const [, other] = (await once(second, 'upgrade')) as [IncomingMessage, Duplex];
    other.on('error', () => undefined).resume();
    upstream?.destroy();
    await once(other, 'close');
    expect(ended).toHaveLength(2);
  });
});
