import type { ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { createHttpClient } from '../../src/cluster/http-client.ts';
import { createInformers } from '../../src/cluster/informers.ts';
import { type ConfigMap, ConfigMaps } from '../../src/cluster/kinds.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { json, type Received, stubServer } from './stub-server.ts';

const map = (name: string, resourceVersion: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: name, resourceVersion },
});
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const end = (resourceVersion: string): string =>
  line('BOOKMARK', { metadata: { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } } });

/** Informers against a server whose answers, in order, are the test's. */
async function follow(...answers: ((request: Received, response: ServerResponse) => void)[]) {
  const clock = new VirtualClock();
  const stub = await stubServer((request, response) => {
    const answer = answers.shift();
    if (answer === undefined) response.writeHead(200).flushHeaders();
    else answer(request, response);
  });
  const client = createHttpClient({ server: stub.url }, { clock });
  const informers = createInformers({ client, clock, random: seededRandom(1), log: silentLogger });
  onTestFinished(async () => {
    await informers[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
    expect(clock.pendingTimers).toBe(0);
  });
  const informer = informers.informer(ConfigMaps);
  const seen: string[] = [];
  const reached = new Map<string, () => void>();
  informer.deltas$.subscribe((delta) => {
    seen.push(`${delta.type} ${delta.key}`);
    reached.get(`${delta.type} ${delta.key}`)?.();
  });
  const until = (what: string): Promise<void> =>
    seen.includes(what) ? Promise.resolve() : new Promise((resolve) => reached.set(what, resolve));
  /** Virtual time passes until the server has got this many requests. */
  const untilAsked = async (count: number): Promise<void> => {
    while (stub.requests.length < count) await clock.advance(100);
  };
  return { clock, stub, informer, seen, until, untilAsked };
}

test('a real connection is followed through its end, its breaking and a 410', async () => {
  const open: ServerResponse[] = [];
  const stream = (text: string) => (_: Received, response: ServerResponse) => {
    open.push(response);
    response.writeHead(200).write(text);
  };
  const { stub, informer, seen, until, untilAsked } = await follow(
    stream(line('ADDED', map('a', '5')) + end('9')),
    stream(line('ADDED', map('b', '10'))),
    stream(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })),
    stream(line('ADDED', map('b', '10')) + line('ADDED', map('c', '12')) + end('20')),
  );
  await informer.synced;
  open[0]?.end();
  await until('added default/b');
  open[1]?.destroy();
  await untilAsked(4);
  await until('added default/c');
  expect(seen).toEqual(['added default/a', 'added default/b', 'deleted default/a', 'added default/c']);
  expect(stub.requests.map(({ url }) => new URL(url, stub.url).searchParams.get('resourceVersion'))).toEqual([
    '',
    '9',
    '10',
    '',
  ]);
  expect(informer.store.resourceVersion).toBe('20');
});

test('a server without streaming lists is paged', async () => {
  const { stub, informer, seen } = await follow(
    (_, response) =>
      json(response, { kind: 'Status', reason: 'Invalid', message: 'sendInitialEvents is forbidden' }, 422),
    (_, response) => json(response, { items: [map('a', '3')], metadata: { resourceVersion: '7', continue: 'more' } }),
    (_, response) => json(response, { items: [map('b', '4')], metadata: { resourceVersion: '7' } }),
  );
  await informer.synced;
  expect(seen).toEqual(['added default/a', 'added default/b']);
  expect(
    stub.requests.map(({ url }) => url.replace(/.*configmaps/, '').replace(/timeoutSeconds=\d+/, 'timeoutSeconds=n')),
  ).toEqual([
    '?allowWatchBookmarks=true&timeoutSeconds=n&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=&watch=true',
    '?limit=500',
    '?limit=500&continue=more',
  ]);
});

test('a dead connection is given up after its silence and replaced', async () => {
  const { clock, informer, seen, until, untilAsked } = await follow(
    (_, response) => void response.writeHead(200).write(end('9')),
    (_, response) => void response.writeHead(200).write(line('ADDED', map('a', '10'))),
  );
  await informer.synced;
  await clock.advance(69_000);
  expect(seen).toEqual([]);
  await clock.advance(1_000);
  await untilAsked(2);
  await until('added default/a');
});
