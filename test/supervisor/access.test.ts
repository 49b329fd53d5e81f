import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { createAuthority, type Pair } from './certificates.ts';
import { ask, openStage, textOf, type Stage } from './stage.ts';

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

const clients = {
  nobody: {},
  'a wrong password': { headers: basic('node', 'wrong') },
  'the agent token': { headers: basic('node', 'agent-secret') },
  'the server token': { headers: basic('server', 'server-secret') },
  'a node certificate': { as: 'node' },
  'the admin certificate': { as: 'admin' },
  'a serving certificate of our own': { as: 'supervisor' },
  'a certificate of the front proxy': { as: 'frontProxy' },
  'an expired certificate': { as: 'expired' },
  'a certificate of another authority': { as: 'foreign' },
  'a bearer token': { headers: { authorization: 'Bearer service-account' } },
} as const;

type Client = keyof typeof clients;

describe('who may use what', () => {
  let stage: Stage;
  let strangers: Record<'expired' | 'foreign', Pair>;

  beforeAll(async () => {
    stage = await openStage({
      passwords: [
        { name: 'node', password: 'agent-secret', id: 'node', role: 'k3s:agent' },
        { name: 'server', password: 'server-secret', id: 'server', role: 'k3s:server' },
      ],
    });
    const { clientCa } = stage.certificates;
    strangers = {
      expired: clientCa.issue('system:admin', { usage: 'client', organizations: ['system:masters'], expired: true }),
      foreign: createAuthority('k3s-client-ca').issue('system:admin', { usage: 'client' }),
    };
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const askAs = (client: Client, path: string, method = 'GET') => {
    const { as, headers }: { as?: string; headers?: Record<string, string> } = clients[client];
    const pairs: Record<string, unknown> = { ...stage.certificates, ...strangers };
    return ask(stage, path, {
      method,
      ...(headers === undefined ? {} : { headers }),
      ...(as === undefined ? {} : { as: pairs[as] as Pair }),
    });
  };

  const expected: Record<Client, readonly [number, number, number]> = {
    //                                    /ping, /v1-k3s/readyz, /api
    nobody: [200, 401, 401],
    'a wrong password': [200, 401, 401],
    'the agent token': [200, 200, 401],
    'the server token': [200, 403, 401],
    'a node certificate': [200, 200, 200],
    'the admin certificate': [200, 403, 200],
    'a serving certificate of our own': [200, 401, 401],
    'a certificate of the front proxy': [200, 401, 401],
    'an expired certificate': [200, 401, 401],
    'a certificate of another authority': [200, 401, 401],
    'a bearer token': [200, 401, 200],
  };

  test.each(Object.entries(expected) as [Client, readonly number[]][])('%s', async (client, statuses) => {
    const answers = [];
    for (const path of ['/ping', '/v1-k3s/readyz', '/api']) answers.push(await askAs(client, path));
    expect(answers.map((answer) => answer.status)).toEqual(statuses);
    for (const answer of answers.filter(({ status }) => status >= 400)) {
      expect(answer.headers).toMatchObject({ 'content-type': 'application/json', connection: 'close' });
      expect(JSON.parse(answer.body)).toMatchObject({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: answer.status === 401 ? 'Unauthorized' : 'Forbidden',
        code: answer.status,
      });
    }
  });

  test.each([
    '//ping',
    '/ping/',
    '/./ping',
    '/x/../ping',
    '/%70ing',
    '/ping%00',
    '/ping%2f',
    '/ping;x',
    '/ping%3F',
    '/PING',
    '/cacerts/../api/v1/secrets',
    '/cacerts%2f..%2fapi',
    '/ping/../api',
    '/healthz',
    '/livez',
    '/readyz',
    '/readyz?verbose',
    '/version',
    '/metrics',
    '/v1-k3s/ping',
    '/static',
    '/',
  ])('an unauthenticated request for %s gets 401 without kube-apiserver hearing of it', async (path) => {
    const before = stage.api.seen.length;
    expect((await askAs('nobody', path)).status).toBe(401);
    expect(stage.api.seen.length).toBe(before);
  });

  test.each(['http://127.0.0.1/ping', 'ping', '*'])('the request target %s is not taken for a path', async (target) => {
    const socket = connect({ host: '127.0.0.1', port: stage.supervisor.port, ca: stage.certificates.serverCa.ca });
    socket.end(`OPTIONS ${target} HTTP/1.1\r\nHost: k3s\r\nConnection: close\r\n\r\n`);
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 40[01] /);
  });

  test('a public path with a query is public, and answers HEAD without a body', async () => {
    expect((await askAs('nobody', '/ping?x=/../api')).body).toBe('pong');
    expect(await askAs('nobody', '/cacerts', 'HEAD')).toMatchObject({ status: 200, body: '' });
  });

  test('a method that a path does not have is refused with 405', async () => {
    expect((await askAs('nobody', '/ping', 'POST')).status).toBe(405);
    expect((await askAs('nobody', '/v1-k3s/readyz', 'DELETE')).status).toBe(401);
  });

  test('a failure of the authenticator is a 500 that tells nothing', async () => {
    const log: string[] = [];
    await using broken = await openStage({
      supervisor: {
        authenticator: { authenticate: () => Promise.reject(new Error('secret detail')) },
        log: { ...silentLogger, error: (message) => void log.push(message) },
      },
    });
    const answer = await ask(broken, '/v1-k3s/readyz');
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('secret');
    expect(log).toEqual(['a request failed']);
  });

  test('CONNECT is nobody’s to use', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: stage.supervisor.port,
      ca: stage.certificates.serverCa.ca,
      ...stage.certificates.admin,
    });
    socket.write('CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: k3s\r\n\r\n');
    expect(await textOf(socket)).toBe('');
  });

  test('readiness is the supervisor’s own, 503 while its controllers do not run', async () => {
    await using starting = await openStage({ ready: () => false });
    const answer = await ask(starting, '/v1-k3s/readyz', { as: starting.certificates.node });
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect((await ask(starting, '/readyz', { as: starting.certificates.admin })).body).toBe('from the API');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a resumed %s session gives nobody an identity that it did not prove itself',
    async (version) => {
      const dial = (options: { session?: Buffer } & Partial<Pair>): TLSSocket =>
        connect({
          host: '127.0.0.1',
          port: stage.supervisor.port,
          ca: stage.certificates.serverCa.ca,
          minVersion: version,
          maxVersion: version,
          ...options,
        });
      const get = async (socket: TLSSocket): Promise<string> => {
        socket.write('GET /api HTTP/1.1\r\nHost: k3s\r\nConnection: close\r\n\r\n');
        return (await textOf(socket)).slice(9, 12);
      };

      const anonymous = dial({});
      let session: Buffer | undefined;
      anonymous.on('session', (ticket: Buffer) => (session = ticket));
      expect(await get(anonymous)).toBe('401');
      const admin = dial(stage.certificates.admin);
      let adminSession: Buffer | undefined;
      admin.on('session', (ticket: Buffer) => (adminSession = ticket));
      expect(await get(admin)).toBe('200');

      const resumed = dial(session === undefined ? {} : { session });
      await once(resumed, 'secureConnect');
      expect(resumed.isSessionReused()).toBe(false);
      expect(await get(resumed)).toBe('401');
      const stolen = dial(adminSession === undefined ? {} : { session: adminSession });
      expect(await get(stolen)).toBe('401');
    },
  );
});
