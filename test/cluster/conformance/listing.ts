import assert from 'node:assert/strict';
import type { ListOptions } from '../../../src/cluster/client.ts';
import { ConfigMaps, Pods, Secrets } from '../../../src/cluster/kinds.ts';
import { configMap, refused, type Scenario, type ScenarioTest } from './scenario.ts';

async function names(test: ScenarioTest, options: ListOptions = {}): Promise<(string | undefined)[]> {
  const { items } = await test.client.list(ConfigMaps, { namespace: test.namespace, ...options });
  return items.map(({ metadata }) => metadata.name);
}

async function createLabelled(test: ScenarioTest, name: string, labels: Record<string, string>): Promise<void> {
  await test.client.create(ConfigMaps, {
    ...configMap(test, name),
    metadata: { name, namespace: test.namespace, labels },
  });
}

/** Lists, selectors and pages. */
export const listing: readonly Scenario[] = [
  {
    name: 'a list has the objects of a namespace in the order of their names, complete with their kind',
    async run(test) {
      for (const name of ['c', 'a', 'b']) await test.client.create(ConfigMaps, configMap(test, name));
      const list = await test.client.list(ConfigMaps, { namespace: test.namespace });
      assert.deepEqual(
        list.items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt'),
        ['a', 'b', 'c'],
      );
      assert.deepEqual([list.items[0]?.apiVersion, list.items[0]?.kind], ['v1', 'ConfigMap']);
      assert.match(list.resourceVersion, /^\d+$/);
      assert.equal(list.continue, undefined);
    },
  },
  {
    name: 'label selectors choose by equality, by sets and by presence',
    async run(test) {
      await createLabelled(test, 'a', { app: 'web', tier: 'front' });
      await createLabelled(test, 'b', { app: 'web' });
      await createLabelled(test, 'c', { app: 'db', tier: 'back' });
      const cases: [string, string[]][] = [
        ['app=web', ['a', 'b']],
        ['app==web,tier=front', ['a']],
        ['app,app!=web', ['c']],
        ['app in (web, db),tier', ['a', 'c']],
        ['app,tier notin (front)', ['b', 'c']],
        ['app,!tier', ['b']],
      ];
      for (const [labelSelector, expected] of cases)
        assert.deepEqual(await names(test, { labelSelector }), expected, labelSelector);
      await refused(names(test, { labelSelector: 'app in web' }), 400, 'BadRequest');
    },
  },
  {
    name: 'field selectors choose by name, and refuse fields that are not indexed',
    async run(test) {
      await test.client.create(ConfigMaps, configMap(test, 'a'));
      await test.client.create(ConfigMaps, configMap(test, 'b'));
      assert.deepEqual(await names(test, { fieldSelector: 'metadata.name=a' }), ['a']);
      assert.equal(
        (await names(test, { fieldSelector: `metadata.name!=a,metadata.namespace=${test.namespace}` })).includes('b'),
        true,
      );
      const error = await refused(names(test, { fieldSelector: 'data.x=1' }), 400, 'BadRequest');
      assert.match(
        error.message,
        /"data\.x" is not a known field selector: only "metadata\.name", "metadata\.namespace"$/,
      );
      const pods = test.client.list(Pods, { fieldSelector: 'spec.hostname=a' });
      assert.match((await refused(pods, 400, 'BadRequest')).message, /field label not supported: spec\.hostname$/);
    },
  },
  {
    name: 'secrets can be chosen by type',
    async run(test) {
      const secret = (name: string, type: string): Promise<unknown> =>
        test.client.create(Secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, namespace: test.namespace },
          type,
        });
      await secret('a', 'example.com/a');
      await secret('b', 'example.com/b');
      const { items } = await test.client.list(Secrets, {
        namespace: test.namespace,
        fieldSelector: 'type=example.com/b',
      });
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ['b'],
      );
    },
  },
  {
    name: 'pages show one state of the set, whatever happens between them',
    async run(test) {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await createLabelled(test, name, { page: 'yes' });
      const options = { namespace: test.namespace, labelSelector: 'page', limit: 2 };
      const first = await test.client.list(ConfigMaps, options);
      await createLabelled(test, 'aa', { page: 'yes' });
      await test.client.delete(ConfigMaps, { namespace: test.namespace, name: 'e' });
      const seen = first.items.map(({ metadata }) => metadata.name);
      let token = first.continue;
      while (token !== undefined) {
        const next = await test.client.list(ConfigMaps, { ...options, continue: token });
        assert.equal(next.resourceVersion, first.resourceVersion);
        seen.push(...next.items.map(({ metadata }) => metadata.name));
        token = next.continue;
      }
      assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e']);
    },
  },
  {
    name: 'a continue token that the server did not make is a bad request',
    async run(test) {
      await refused(
        test.client.list(ConfigMaps, { namespace: test.namespace, limit: 1, continue: 'nonsense' }),
        400,
        'BadRequest',
      );
    },
  },
];
