import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { createAuthority } from './certificates.ts';
import { ask, openStage, textOf, type Stage } from './stage.ts';

const target = (stage: Stage) => ({
  host: '127.0.0.1',
  port: stage.supervisor.port,
  ca: stage.certificates.serverCa.ca,
  ...stage.certificates.admin,
});

async function dial(stage: Stage, protocol = 'http/1.1'): Promise<TLSSocket> {
  const socket = connect({ ...target(stage), ALPNProtocols: [protocol] });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  // The server learns of the handshake's end a moment after the client.
  await settle();
  return socket;
}

/** A stage whose stand-in answers when told to. */
async function openHeldStage(clock?: VirtualClock, drainTimeout = 0) {
  const held: ServerResponse[] = [];
  const stage = await openStage({
    answer: (_, response) => void held.push(response),
    supervisor: { drainTimeout, ...(clock === undefined ? {} : { clock }) },
  });
  const reached = (count: number) => until(() => held.length >= count);
  return { stage, held, reached };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}

describe('limits of a terminated connection', () => {
  test.each(['http/1.1', 'h2'])(
    'a client of %s that asks for nothing is dismissed after ten seconds',
    async (protocol) => {
      const clock = new VirtualClock();
      await using stage = await openStage({ clock });
      const socket = (await dial(stage, protocol)).resume();
      await until(() => clock.pendingTimers === 1);
      const closed = once(socket, 'close');
      await clock.advance(9_999);
      expect(socket.destroyed).toBe(false);
      await clock.advance(1);
      // HTTP/2's polite end waits for a peer that, as here, does not answer.
      await clock.advance(1_000);
      await closed;
      await until(() => stage.supervisor.connections === 0);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  test('a header that comes drop by drop does not count as a request', async () => {
    const clock = new VirtualClock();
    await using stage = await openStage({ clock });
    const socket = (await dial(stage)).resume();
    const closed = once(socket, 'close');
    socket.write('GET /ping HTTP/1.1\r\nHost: k3s\r\n');
    for (let second = 0; second < 10; second++) {
      if (socket.writable) socket.write(`X-${second}: drip\r\n`);
      await clock.advance(1_000);
    }
    await closed;
    expect(stage.supervisor.connections).toBe(0);
  });

  test('an idle connection is kept for ninety seconds, a watch for as long as it lasts', async () => {
    const clock = new VirtualClock();
    const { stage, held, reached } = await openHeldStage(clock);
    await using _ = stage;
    const agent = new Agent({ keepAlive: true });
    expect((await ask(stage, '/ping', { agent })).status).toBe(200);
    const watch = httpsRequest({ ...target(stage), path: '/watch', agent: false });
    watch.on('error', () => undefined).end();
    await reached(1);
    held[0]?.write('event');
    await once(watch, 'response');
    await until(() => clock.pendingTimers === 1);
    await clock.advance(89_999);
    expect(stage.supervisor.connections).toBe(2);
    await clock.advance(1);
    await until(() => stage.supervisor.connections === 1);
    await clock.advance(3_600_000);
    expect(stage.supervisor.connections).toBe(1);
    agent.destroy();
  });

  test('long request targets pass, endless headers get 431', async () => {
    await using stage = await openStage();
    const command = 'x'.repeat(40_000);
    expect((await ask(stage, `/exec?command=${command}`, { as: stage.certificates.admin })).status).toBe(200);
    const socket = await dial(stage);
    socket.write(`GET /ping HTTP/1.1\r\nHost: k3s\r\nX-Long: ${'x'.repeat(70_000)}\r\n\r\n`);
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 431 /);
    expect((await ask(stage, '/ping')).status).toBe(200);
  });

  test('a client that sends hundreds of requests ahead of their answers is cut off', async () => {
    const { stage } = await openHeldStage();
    await using _ = stage;
    const socket = await dial(stage);
    socket.write('GET /api HTTP/1.1\r\nHost: k3s\r\n\r\n'.repeat(251));
    await once(socket.resume(), 'close');
    await until(() => stage.supervisor.connections === 0);
    expect((await ask(stage, '/ping')).status).toBe(200);
  });
});

describe('the end of a supervisor', () => {
  test('waits for requests that are under way and refuses new connections', async () => {
    const { stage, held, reached } = await openHeldStage(new VirtualClock(), 5_000);
    const agent = new Agent({ keepAlive: true });
    await ask(stage, '/ping', { agent });
    const answer = ask(stage, '/api', { as: stage.certificates.admin });
    const session = connectHttp2(`https://127.0.0.1:${stage.supervisor.port}`, target(stage));
    const stream = session.request({ ':path': '/api' });
    await reached(2);

    const end = stage.supervisor[Symbol.asyncDispose]();
    await until(() => stage.supervisor.connections === 2);
    await expect(ask(stage, '/ping')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    for (const response of held) response.end('late');
    expect((await answer).body).toBe('late');
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    expect(head).toHaveProperty(':status', 200);
    expect(await textOf(stream)).toBe('late');
    await end;
    expect(stage.supervisor.connections).toBe(0);
    await stage.api[Symbol.asyncDispose]();
  });

  test('does not wait longer than it was told to', async () => {
    const clock = new VirtualClock();
    const { stage, reached } = await openHeldStage(clock, 5_000);
    const watch = ask(stage, '/watch', { as: stage.certificates.admin });
    watch.catch(() => undefined);
    const tunnel = await dial(stage);
    const passedThrough = connect({ ...target(stage), servername: 'kubernetes' });
    passedThrough.on('error', () => undefined).resume();
    await once(passedThrough, 'secureConnect');
    await reached(1);
    let over = false;
    const end = stage.supervisor[Symbol.asyncDispose]().then(() => (over = true));
    await clock.advance(4_999);
    expect(over).toBe(false);
    await clock.advance(1);
    await end;
    await expect(watch).rejects.toThrow();
    expect(stage.supervisor.connections).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    tunnel.destroy();
    await stage.api[Symbol.asyncDispose]();
  });

  test('comes with its signal too, and only once', async () => {
    const controller = new AbortController();
    const stage = await openStage({ supervisor: { signal: controller.signal } });
    expect((await ask(stage, '/ping')).status).toBe(200);
    controller.abort(new Error('stop'));
    await Promise.all([stage.supervisor[Symbol.asyncDispose](), stage.supervisor[Symbol.asyncDispose]()]);
    await expect(ask(stage, '/ping')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await stage.api[Symbol.asyncDispose]();
    await expect(openStage({ supervisor: { signal: controller.signal } })).rejects.toThrow('stop');
  });
});

describe('new certificates', () => {
  test('count for new connections, for what is shown and for who is trusted', async () => {
    await using stage = await openStage();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const old = { as: stage.certificates.admin, agent };
    expect((await ask(stage, '/api', old)).status).toBe(200);

    const clientCa = createAuthority('k3s-client-ca@2');
    const serving = stage.certificates.serverCa.issue('renewed', { usage: 'server', names: ['127.0.0.1'] });
    stage.supervisor.setServingCertificates({ ...serving, clientCa: clientCa.ca });

    expect((await ask(stage, '/api', old)).status).toBe(200);
    expect((await ask(stage, '/api', { as: stage.certificates.admin })).status).toBe(401);
    const renewed = clientCa.issue('system:admin', { usage: 'client' });
    expect((await ask(stage, '/api', { as: renewed })).status).toBe(200);
    const request = httpsRequest({ ...target(stage), ...renewed, path: '/ping', agent: false });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect((response.socket as TLSSocket).getPeerCertificate().subject.CN).toBe('renewed');
    response.resume();
    agent.destroy();
  });

  test('vouches to kube-apiserver with the front-proxy certificate that it was given last, without a break', async () => {
    const waiting: ServerResponse[] = [];
    await using stage = await openStage({
      answer: (request, response) => (request.url === '/watch' ? waiting.push(response) : response.end('fine')),
    });
    const as = stage.certificates.admin;
    const underWay = ask(stage, '/watch', { as });
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await ask(stage, '/before', { as });
    stage.supervisor.setFrontProxy(stage.certificates.requestHeaderCa.issue('renewed', { usage: 'client' }));
    await ask(stage, '/after', { as });
    for (const response of waiting) response.end('fine');
    expect((await underWay).status).toBe(200);
    expect(stage.api.seen.map(({ url, vouchedBy }) => `${url} ${vouchedBy}`)).toEqual([
      '/watch system:auth-proxy',
      '/before system:auth-proxy',
      '/after renewed',
    ]);
  });
});
