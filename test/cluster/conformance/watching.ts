import assert from 'node:assert/strict';
import { ApiError } from '../../../src/cluster/api-error.ts';
import type { WatchEvent, WatchOptions } from '../../../src/cluster/client.ts';
import { type ConfigMap, ConfigMaps } from '../../../src/cluster/kinds.ts';
import {
  configMap,
  defineWidgets,
  eventsUntil,
  refused,
  type Scenario,
  type ScenarioTest,
  summary,
} from './scenario.ts';

const named =
  (name: string) =>
  (event: WatchEvent<ConfigMap>): boolean =>
    event.type !== 'BOOKMARK' && event.object.metadata.name === name;

const here = (test: ScenarioTest, options: WatchOptions = {}): WatchOptions => ({
  namespace: test.namespace,
  // Where controllers run, every namespace gets one of these.
  fieldSelector: 'metadata.name!=kube-root-ca.crt',
  ...options,
});

async function versionNow(test: ScenarioTest): Promise<string> {
  return (await test.client.list(ConfigMaps, { namespace: test.namespace })).resourceVersion;
}

/** Watches: where they begin, what they say, how they end. */
export const watching: readonly Scenario[] = [
  {
    name: 'a watch from a version brings every change since, in order, each with its own version',
    async run(test) {
      const resourceVersion = await versionNow(test);
      const created = await test.client.create(ConfigMaps, configMap(test, 'a'));
      const replaced = await test.client.replace(ConfigMaps, configMap(test, 'a', { x: '1' }));
      await test.client.delete(ConfigMaps, { namespace: test.namespace, name: 'a' });
      await test.client.create(ConfigMaps, configMap(test, 'end'));
      const events = await eventsUntil(test, ConfigMaps, here(test, { resourceVersion }), named('end'));
      assert.deepEqual(summary(events), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED end']);
      const versions = events.map((event) =>
        BigInt(event.type === 'BOOKMARK' ? 0 : (event.object.metadata.resourceVersion ?? 0)),
      );
      assert.equal(versions[0], BigInt(created.metadata.resourceVersion ?? -1));
      assert.equal(versions[1], BigInt(replaced.metadata.resourceVersion ?? -1));
      assert.deepEqual(
        versions,
        versions.toSorted((a, b) => (a < b ? -1 : 1)),
      );
      const deleted = events[2];
      assert.deepEqual(deleted?.type === 'DELETED' ? deleted.object.data : undefined, { x: '1' });
    },
  },
  {
    name: 'a watch without a version begins with what is there',
    async run(test) {
      await test.client.create(ConfigMaps, configMap(test, 'a'));
      const create = (): Promise<unknown> => test.client.create(ConfigMaps, configMap(test, 'end'));
      const events = await eventsUntil(test, ConfigMaps, here(test), named('end'), create);
      assert.deepEqual(summary(events), ['ADDED a', 'ADDED end']);
    },
  },
  {
    name: 'a watch with initial events says when these have ended, and at which version',
    async run(test) {
      await test.client.create(ConfigMaps, configMap(test, 'a'));
      const b = await test.client.create(ConfigMaps, configMap(test, 'b'));
      const options = here(test, {
        sendInitialEvents: true,
        allowWatchBookmarks: true,
        resourceVersionMatch: 'NotOlderThan',
        resourceVersion: '',
      });
      const isEnd = (event: WatchEvent<ConfigMap>): boolean => event.type === 'BOOKMARK' && event.initialEventsEnd;
      const events = await eventsUntil(test, ConfigMaps, options, isEnd);
      assert.deepEqual(summary(events).toSorted(), ['ADDED a', 'ADDED b', 'BOOKMARK']);
      const end = events.at(-1);
      assert.ok(end?.type === 'BOOKMARK' && BigInt(end.resourceVersion) >= BigInt(b.metadata.resourceVersion ?? 0));
      const resourceVersion = end.resourceVersion;
      await test.client.create(ConfigMaps, configMap(test, 'c'));
      const rest = await eventsUntil(test, ConfigMaps, here(test, { resourceVersion }), named('c'));
      assert.deepEqual(summary(rest), ['ADDED c']);
    },
  },
  {
    name: 'initial events without a version match are invalid',
    async run(test) {
      const options = here(test, { sendInitialEvents: true, allowWatchBookmarks: true });
      await refused(
        eventsUntil(test, ConfigMaps, options, () => false),
        422,
        'Invalid',
      );
    },
  },
  {
    name: 'objects that enter or leave the selection are added and deleted for the watch',
    async run(test) {
      const resourceVersion = await versionNow(test);
      const label = (labels: Record<string, string> | null): Promise<ConfigMap> =>
        test.client.patch(
          ConfigMaps,
          { namespace: test.namespace, name: 'a' },
          { type: 'merge', body: { metadata: { labels } } },
        );
      await test.client.create(ConfigMaps, configMap(test, 'a'));
      await label({ app: 'web' });
      await label({ more: 'x' });
      const left = await label(null);
      await label({ other: 'y' });
      await test.client.create(ConfigMaps, {
        ...configMap(test, 'end'),
        metadata: { name: 'end', namespace: test.namespace, labels: { app: 'web' } },
      });
      const events = await eventsUntil(
        test,
        ConfigMaps,
        here(test, { resourceVersion, labelSelector: 'app=web' }),
        named('end'),
      );
      assert.deepEqual(summary(events), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED end']);
      const deleted = events[2];
      assert.ok(deleted?.type === 'DELETED');
      assert.equal(deleted.object.metadata.resourceVersion, left.metadata.resourceVersion);
    },
  },
  {
    name: 'a watch from a version that the server does not remember is answered with 410',
    async run(test) {
      const widgets = await defineWidgets(test, { spec: { type: 'object' } });
      const attempt = eventsUntil(test, widgets, { namespace: test.namespace, resourceVersion: '1' }, () => false);
      const error: unknown = await attempt.catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ApiError, `expected a refusal, not ${String(error)}`);
      assert.deepEqual([error.status, error.reason], [410, 'Expired']);
      assert.match(error.message, /too old resource version: 1 \(\d+\)$/);
    },
  },
  {
    name: 'a state that is yet to come cannot be read: lists and snapshots time out, and say when to ask again',
    async run(test) {
      const resourceVersion = String(BigInt(await versionNow(test)) + 1_000_000n);
      const list = await refused(
        test.client.list(ConfigMaps, { namespace: test.namespace, resourceVersion }),
        504,
        'Timeout',
      );
      assert.equal(list.retryAfter, 1_000);
      const snapshot = {
        sendInitialEvents: true,
        allowWatchBookmarks: true,
        resourceVersionMatch: 'NotOlderThan',
      } as const;
      const options = here(test, { ...snapshot, resourceVersion });
      await refused(
        eventsUntil(test, ConfigMaps, options, () => false),
        504,
        'Timeout',
      );
    },
  },
  {
    name: 'a watch ends in peace when its time is over',
    async run(test) {
      const resourceVersion = await versionNow(test);
      const events = await eventsUntil(
        test,
        ConfigMaps,
        here(test, { resourceVersion, timeoutSeconds: 1 }),
        () => false,
      );
      assert.deepEqual(summary(events), []);
    },
  },
  {
    name: 'an aborted watch rejects with the reason of its signal',
    async run(test) {
      const controller = new AbortController();
      const watch = test.client.watch(ConfigMaps, {
        ...here(test, { resourceVersion: await versionNow(test) }),
        signal: controller.signal,
        onOpen: () => controller.abort(new Error('enough')),
      });
      const failed = await watch[Symbol.asyncIterator]()
        .next()
        .catch((thrown: unknown) => thrown);
      assert.ok(failed instanceof Error && failed.message === 'enough');
    },
  },
  {
    name: 'a watch of a kind that the server does not have is refused as not found',
    async run(test) {
      const absent = { ...ConfigMaps, group: 'absent.example.com' };
      const error: unknown = await eventsUntil(test, absent, {}, () => true).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ApiError && error.status === 404);
    },
  },
];
