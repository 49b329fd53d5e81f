import { createPublicKey } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ApiError, isGone, isTooManyRequests } from '../../src/cluster/api-error.ts';
import type { Credentials } from '../../src/cluster/credentials.ts';
import { createHttpClient, type HttpClient } from '../../src/cluster/http-client.ts';
import { ClusterRoles, type ConfigMap, ConfigMaps, Deployments } from '../../src/cluster/kinds.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { issueLeaf, selfSignAuthority } from '../../src/pki/certificate.ts';
import { generateEcKey, privateKeyPem } from '../../src/pki/private-key.ts';
import { json, stubServer } from './stub-server.ts';

const map = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', resourceVersion: '5' },
});
const where = { namespace: 'default', name: 'a' };

function connect(credentials: Credentials): HttpClient {
  const client = createHttpClient(credentials, { clock: new VirtualClock() });
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

async function identities() {
  const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-01-01T00:00:00Z') };
  const authorityKey = await generateEcKey();
  const issuer = { certificate: selfSignAuthority('test-ca', authorityKey, validity), key: authorityKey };
  const leaf = async (commonName: string, usage: 'client' | 'server', names: string[]) => {
    const key = await generateEcKey();
    const request = { ...validity, subject: { commonName }, publicKey: createPublicKey(key), usages: [usage], names };
    return { cert: issueLeaf(issuer, request).toString(), key: privateKeyPem(key) };
  };
  return {
    ca: issuer.certificate.toString(),
    server: await leaf('server', 'server', ['kubernetes']),
    client: await leaf('admin', 'client', []),
    renewed: await leaf('renewed', 'client', []),
  };
}

describe('connections', () => {
  test('are authenticated both ways, by the name that the certificate carries', async () => {
    const { ca, server, client } = await identities();
    let peer: unknown;
    const stub = await stubServer(
      (_, response) => {
        peer = (response.socket as TLSSocket).getPeerCertificate().subject?.CN;
        json(response, map('a'));
      },
      { ...server, ca, requestCert: true, rejectUnauthorized: true },
    );
    const kubernetes = connect({ server: stub.url, ca, ...client, serverName: 'kubernetes' });
    expect((await kubernetes.get(ConfigMaps, where)).metadata.name).toBe('a');
    expect(peer).toBe('admin');
    const misnamed = connect({ server: stub.url, ca, ...client });
    await expect(misnamed.get(ConfigMaps, where)).rejects.toMatchObject({
      code: 'K3S_API_UNREACHABLE',
      retryable: true,
    });
    const trusting = connect({ server: stub.url, ...client, insecure: true });
    expect((await trusting.get(ConfigMaps, where)).metadata.name).toBe('a');
  });

  test('show another certificate from the next request on, and do not break off what is under way', async () => {
    const { ca, server, client, renewed } = await identities();
    const peers: unknown[] = [];
    const waiting: ServerResponse[] = [];
    const stub = await stubServer(
      ({ url }, response) => {
        peers.push((response.socket as TLSSocket).getPeerCertificate().subject?.CN);
        if (url.endsWith('/slow')) waiting.push(response);
        else json(response, map('a'));
      },
      { ...server, ca, requestCert: true, rejectUnauthorized: true },
    );
    const kubernetes = connect({ server: stub.url, ca, ...client, serverName: 'kubernetes' });
    const slow = kubernetes.get(ConfigMaps, { namespace: 'default', name: 'slow' });
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    kubernetes.setClientCertificate(renewed);
    await kubernetes.get(ConfigMaps, where);
    for (const response of waiting) json(response, map('slow'));
    expect((await slow).metadata.name).toBe('slow');
    expect(peers).toEqual(['admin', 'renewed']);
  });

  test('are shared: twenty requests one after another need two at most, two hundred at once sixteen', async () => {
    const { ca, server } = await identities();
    const stub = await stubServer((_, response) => json(response, map('a')), server);
    const client = connect({ server: stub.url, ca, serverName: 'kubernetes' });
    for (let count = 0; count < 20; count++) await client.get(ConfigMaps, where);
    // The next request may be sent before the connection of the last one is free again.
    expect(stub.connections()).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 200 }, () => client.get(ConfigMaps, where)));
    expect(stub.connections()).toBeLessThanOrEqual(16);
  });

  test('of watches are their own, so that many watches leave room for requests', async () => {
    const stub = await stubServer((request, response) => {
      if (!request.url.includes('watch=true')) json(response, map('a'));
      else response.writeHead(200).flushHeaders();
    });
    const client = connect({ server: stub.url });
    const controller = new AbortController();
    const opened = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
    const watches = opened.map(async ({ resolve }) => {
      const watch = client.watch(ConfigMaps, { signal: controller.signal, onOpen: resolve });
      await watch[Symbol.asyncIterator]()
        .next()
        .catch(() => {});
    });
    await Promise.all(opened.map(({ promise }) => promise));
    expect((await client.get(ConfigMaps, where)).metadata.name).toBe('a');
    controller.abort();
    await Promise.all(watches);
  });

  test('that are refused are one error that says to whom, and retryable', async () => {
    const client = connect({ server: 'http://127.0.0.1:1' });
    const error: unknown = await client.get(ConfigMaps, where).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'K3S_API_UNREACHABLE',
      retryable: true,
      message: 'GET /api/v1/namespaces/default/configmaps/a: http://127.0.0.1:1 does not answer',
    });
  });

  test('carry the user agent and the present token', async () => {
    const stub = await stubServer((_, response) => json(response, map('a')));
    const fixed = connect({ server: stub.url, token: 'secret' });
    await fixed.get(ConfigMaps, where);
    let count = 0;
    const changing = connect({ server: stub.url, token: async () => `token-${++count}` });
    await changing.get(ConfigMaps, where);
    await changing.get(ConfigMaps, where);
    await connect({ server: stub.url, token: async () => undefined }).get(ConfigMaps, where);
    expect(stub.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer secret',
      'Bearer token-1',
      'Bearer token-2',
      undefined,
    ]);
    expect(stub.requests[0]?.headers['user-agent']).toBe('k3s-ts');
  });

  test('go to the path of the server where it has one', async () => {
    const stub = await stubServer((_, response) => json(response, map('a')));
    await connect({ server: `${stub.url}/k8s/clusters/c1/` }).get(ConfigMaps, where);
    expect(stub.requests[0]?.url).toBe('/k8s/clusters/c1/api/v1/namespaces/default/configmaps/a');
  });
});

describe('requests', () => {
  test('have the method, path, query and media type of their verb', async () => {
    const stub = await stubServer((request, response) =>
      json(response, request.method === 'GET' ? { items: [], metadata: { resourceVersion: '9' } } : map('a')),
    );
    const client = connect({ server: stub.url });
    const options = {
      namespace: 'default',
      labelSelector: 'a=b',
      limit: 5,
      resourceVersionMatch: 'NotOlderThan',
      resourceVersion: '1',
    } as const;
    await client.list(ConfigMaps, options);
    await client.create(ConfigMaps, map('a'), { fieldManager: 'me', dryRun: true });
    await client.replace(ConfigMaps, map('a'), { subresource: 'status' });
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: where };
    await client.apply(ConfigMaps, applied, { fieldManager: 'me', force: true });
    for (const type of ['json', 'merge', 'strategic'] as const)
      await client.patch(ConfigMaps, where, { type, body: [] });
    await client.delete(ConfigMaps, where, { propagationPolicy: 'Foreground', preconditions: { uid: 'u' } });
    const a = '/api/v1/namespaces/default/configmaps/a';
    expect(stub.requests.map(({ method, url, headers }) => [method, url, headers['content-type']])).toEqual([
      [
        'GET',
        '/api/v1/namespaces/default/configmaps?labelSelector=a%3Db&limit=5&resourceVersionMatch=NotOlderThan&resourceVersion=1',
        undefined,
      ],
      ['POST', '/api/v1/namespaces/default/configmaps?fieldManager=me&dryRun=All', 'application/json'],
      ['PUT', `${a}/status`, 'application/json'],
      ['PATCH', `${a}?force=true&fieldManager=me`, 'application/apply-patch+yaml'],
      ['PATCH', a, 'application/json-patch+json'],
      ['PATCH', a, 'application/merge-patch+json'],
      ['PATCH', a, 'application/strategic-merge-patch+json'],
      ['DELETE', a, 'application/json'],
    ]);
    expect(JSON.parse(stub.requests[3]?.body ?? '')).toEqual(applied);
    expect(JSON.parse(stub.requests[7]?.body ?? '')).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Foreground',
      preconditions: { uid: 'u' },
    });
  });

  test('of lists give every item its kind and tell whether there is more', async () => {
    const items = [{ metadata: { name: 'a' } }, { apiVersion: 'x/v1', kind: 'Other', metadata: { name: 'b' } }];
    const stub = await stubServer((_, response) =>
      json(response, { items, metadata: { resourceVersion: '9', continue: 'more' } }),
    );
    const list = await connect({ server: stub.url }).list(Deployments);
    expect(list).toEqual({
      items: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } }, items[1]],
      resourceVersion: '9',
      continue: 'more',
    });
    const empty = await stubServer((_, response) =>
      json(response, { items: null, metadata: { resourceVersion: '9', continue: '' } }),
    );
    expect(await connect({ server: empty.url }).list(Deployments)).toEqual({ items: [], resourceVersion: '9' });
  });

  test('that are misplaced are rejected before they are sent', async () => {
    const stub = await stubServer((_, response) => json(response, {}));
    const client = connect({ server: stub.url });
    await expect(client.get(ConfigMaps, { name: 'a' })).rejects.toMatchObject({ code: 'K3S_API_NAMESPACE' });
    await expect(client.get(ClusterRoles, where)).rejects.toMatchObject({ code: 'K3S_API_NAMESPACE' });
    expect(stub.requests).toEqual([]);
  });

  test('that are aborted reject with the reason, before and after they are sent', async () => {
    const arrived = Promise.withResolvers<void>();
    const stub = await stubServer(() => arrived.resolve());
    const client = connect({ server: stub.url });
    const controller = new AbortController();
    const pending = client.get(ConfigMaps, where, { signal: controller.signal });
    await arrived.promise;
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    await expect(client.get(ConfigMaps, where, { signal: controller.signal })).rejects.toThrow('enough');
    expect(stub.requests).toHaveLength(1);
  });

  test('are broken off when the client is disposed', async () => {
    const arrived = Promise.withResolvers<void>();
    const stub = await stubServer(() => arrived.resolve());
    const client = connect({ server: stub.url });
    const pending = client.get(ConfigMaps, where).catch((thrown: unknown) => thrown);
    await arrived.promise;
    await client[Symbol.asyncDispose]();
    expect(await pending).toMatchObject({ code: 'K3S_API_UNREACHABLE' });
  });

  test('to any path give status and text', async () => {
    const stub = await stubServer((request, response) => {
      response
        .writeHead(201)
        .end(`${request.method} ${request.url} ${String(request.headers['x-test'])} ${request.body}`);
    });
    const client = connect({ server: stub.url });
    const options = { body: { a: 1 }, query: { verbose: '' }, headers: { 'x-test': 'yes' } };
    expect(await client.raw('POST', '/anything', options)).toEqual({
      status: 201,
      body: 'POST /anything?verbose= yes {"a":1}',
    });
    expect((await client.raw('POST', '/anything', { body: 'as it is' })).body).toBe(
      'POST /anything undefined as it is',
    );
  });

  test('find kinds through discovery', async () => {
    const resources = [{ resource: 'widgets', responseKind: { kind: 'Widget' }, scope: 'Namespaced' }];
    const stub = await stubServer((request, response) =>
      json(
        response,
        request.url === '/api'
          ? { items: [] }
          : { items: [{ metadata: { name: 'example.com' }, versions: [{ version: 'v1', resources }] }] },
      ),
    );
    const client = connect({ server: stub.url });
    expect(await client.resourceFor('example.com/v1', 'Widget')).toMatchObject({
      group: 'example.com',
      plural: 'widgets',
    });
    await client.refreshKinds();
    expect(stub.requests).toHaveLength(4);
  });
});

describe('refusals', () => {
  const answered = async (status: number, body: string, headers: Record<string, string> = {}): Promise<unknown> => {
    const stub = await stubServer((_, response) => void response.writeHead(status, headers).end(body));
    return connect({ server: stub.url })
      .get(ConfigMaps, where)
      .catch((thrown: unknown) => thrown);
  };

  test('are the Status that the server sent', async () => {
    const status = {
      kind: 'Status',
      reason: 'NotFound',
      message: 'configmaps "a" not found',
      details: { name: 'a', kind: 'configmaps' },
    };
    const error = await answered(404, JSON.stringify(status));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 404,
      reason: 'NotFound',
      details: { name: 'a' },
      retryable: false,
      message: 'GET /api/v1/namespaces/default/configmaps/a: configmaps "a" not found',
    });
  });

  test('carry Retry-After in milliseconds, of the header before that of the body', async () => {
    const body = JSON.stringify({ kind: 'Status', reason: 'TooManyRequests', details: { retryAfterSeconds: 7 } });
    const fromBody = await answered(429, body);
    expect(isTooManyRequests(fromBody) && fromBody.retryAfter).toBe(7_000);
    const fromHeader = await answered(429, body, { 'retry-after': '3' });
    expect(isTooManyRequests(fromHeader) && fromHeader.retryAfter).toBe(3_000);
    const asDate = await answered(503, '', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' });
    expect(asDate).toMatchObject({ status: 503, retryAfter: undefined, retryable: true });
  });

  test('in plain text are shown as they are, cut where they are long', async () => {
    expect(await answered(502, 'bad gateway\n')).toMatchObject({
      status: 502,
      message: expect.stringMatching(/: bad gateway$/),
    });
    expect(await answered(500, '')).toMatchObject({ message: expect.stringMatching(/: the API server answered 500$/) });
    expect(((await answered(500, 'x'.repeat(10_000))) as Error).message.length).toBeLessThan(700);
    expect(await answered(400, '"text"')).toMatchObject({ message: expect.stringMatching(/: "text"$/) });
  });

  test('a success that is not JSON is an error of its own', async () => {
    expect(await answered(200, '<html>')).toMatchObject({ code: 'K3S_API_MALFORMED' });
  });
});

describe('watches', () => {
  const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;

  /** A server whose first watch the test writes to. */
  async function watched() {
    const response = Promise.withResolvers<ServerResponse>();
    const closed = Promise.withResolvers<void>();
    const stub = await stubServer((_, answer) => {
      answer.writeHead(200).flushHeaders();
      answer.on('close', () => closed.resolve());
      response.resolve(answer);
    });
    return { stub, client: connect({ server: stub.url }), response: response.promise, closed: closed.promise };
  }

  test('give events as they come, and bookmarks with their meaning', async () => {
    const { stub, client, response } = await watched();
    const opened: string[] = [];
    const watch = client.watch(ConfigMaps, {
      namespace: 'default',
      allowWatchBookmarks: true,
      resourceVersion: '4',
      onOpen: () => opened.push('open'),
    });
    const events = watch[Symbol.asyncIterator]();
    const first = events.next();
    const server = await response;
    expect(stub.requests[0]?.url).toBe(
      '/api/v1/namespaces/default/configmaps?allowWatchBookmarks=true&resourceVersion=4&watch=true',
    );
    const text = line('ADDED', map('a'));
    server.write(text.slice(0, 10));
    server.write(
      text.slice(10) +
        line('BOOKMARK', { metadata: { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } } }),
    );
    expect(await first).toEqual({ done: false, value: { type: 'ADDED', object: map('a') } });
    expect((await events.next()).value).toEqual({ type: 'BOOKMARK', resourceVersion: '9', initialEventsEnd: true });
    server.end(line('BOOKMARK', { metadata: { resourceVersion: '10' } }));
    expect((await events.next()).value).toEqual({ type: 'BOOKMARK', resourceVersion: '10', initialEventsEnd: false });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(opened).toEqual(['open']);
  });

  test('throw the Status of an ERROR event, and of a refusal', async () => {
    const { client, response } = await watched();
    const next = client.watch(ConfigMaps)[Symbol.asyncIterator]().next();
    (await response).write(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }));
    expect(isGone(await next.catch((thrown: unknown) => thrown))).toBe(true);
    const stub = await stubServer((_, answer) =>
      json(answer, { kind: 'Status', reason: 'Forbidden', message: 'no' }, 403),
    );
    const refused = connect({ server: stub.url }).watch(ConfigMaps)[Symbol.asyncIterator]().next();
    await expect(refused).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
  });

  test('close their connection when the iteration is left in the middle', async () => {
    const { client, response, closed } = await watched();
    void response.then((server) => server.write(line('ADDED', map('a'))));
    for await (const event of client.watch(ConfigMaps)) {
      expect(event.type).toBe('ADDED');
      break;
    }
    await closed;
  });

  test('close their connection when they are left while waiting for an event', async () => {
    const { client, response, closed } = await watched();
    const events = client.watch(ConfigMaps)[Symbol.asyncIterator]();
    const pending = events.next().catch(() => 'left');
    await response;
    await events.return?.();
    await closed;
    expect(await pending).toBe('left');
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test('reject with the reason of their signal and close', async () => {
    const { client, response, closed } = await watched();
    const controller = new AbortController();
    const pending = client.watch(ConfigMaps, { signal: controller.signal })[Symbol.asyncIterator]().next();
    await response;
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    await closed;
    await expect(
      client.watch(ConfigMaps, { signal: controller.signal })[Symbol.asyncIterator]().next(),
    ).rejects.toThrow('enough');
  });

  test('fail as unreachable when the connection breaks', async () => {
    const { client, response } = await watched();
    const pending = client.watch(ConfigMaps)[Symbol.asyncIterator]().next();
    (await response).destroy();
    await expect(pending).rejects.toMatchObject({ code: 'K3S_API_UNREACHABLE', retryable: true });
  });

  test('fail as malformed when a line is not JSON', async () => {
    const { client, response } = await watched();
    const pending = client.watch(ConfigMaps)[Symbol.asyncIterator]().next();
    (await response).write('<html>\n');
    await expect(pending).rejects.toMatchObject({ code: 'K3S_API_MALFORMED', retryable: true });
  });

  test('send nothing before the first event is asked for', async () => {
    const { stub, client } = await watched();
    const events = client.watch(ConfigMaps)[Symbol.asyncIterator]();
    await events.return?.();
    expect(stub.requests).toEqual([]);
  });
});
