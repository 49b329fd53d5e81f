import assert from 'node:assert/strict';
import { type ConfigMap, ConfigMaps, type Deployment, Deployments } from '../../../src/cluster/kinds.ts';
import { deployment } from './samples.ts';
import { configMap, defineWidgets, refused, type Scenario, type ScenarioTest, widget } from './scenario.ts';

function applyData(
  test: ScenarioTest,
  manager: string,
  data: Record<string, string>,
  force = false,
): Promise<ConfigMap> {
  const { metadata } = configMap(test, 'a');
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, name: 'a' }, data };
  return test.client.apply(ConfigMaps, object, { fieldManager: manager, force });
}

interface Managed {
  manager: string;
  operation: string;
  fieldsV1: unknown;
}

function fieldsOwnedBy(
  object: { metadata: { managedFields?: unknown[] } },
  manager: string,
  operation = 'Apply',
): unknown {
  const entries = (object.metadata.managedFields ?? []) as Managed[];
  return entries.find((entry) => entry.manager === manager && entry.operation === operation)?.fieldsV1;
}

type Containers = NonNullable<NonNullable<NonNullable<Deployment['spec']>['template']['spec']>['containers']>;

function applyContainers(
  test: ScenarioTest,
  manager: string,
  containers: unknown[],
  force = false,
): Promise<Deployment> {
  const { apiVersion, kind, metadata, spec } = deployment(test, 'web');
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: containers as Containers } };
  const object = {
    apiVersion,
    kind,
    metadata: { ...metadata, name: 'web' },
    spec: { selector: spec?.selector ?? {}, template },
  };
  return test.client.apply(Deployments, object, { fieldManager: manager, force });
}

const containersOf = (object: Deployment): Containers => object.spec?.template.spec?.containers ?? [];

/** Server-side apply: merging, ownership, conflicts. */
export const applying: readonly Scenario[] = [
  {
    name: 'applying what does not exist creates it, and records whose fields are whose',
    async run(test) {
      const created = await applyData(test, 'one', { x: '1' });
      assert.deepEqual(created.data, { x: '1' });
      assert.deepEqual(fieldsOwnedBy(created, 'one'), { 'f:data': { 'f:x': {} } });
    },
  },
  {
    name: 'managers with different fields share an object',
    async run(test) {
      await applyData(test, 'one', { x: '1' });
      const shared = await applyData(test, 'two', { y: '2' });
      assert.deepEqual(shared.data, { x: '1', y: '2' });
      assert.deepEqual(fieldsOwnedBy(shared, 'one'), { 'f:data': { 'f:x': {} } });
      assert.deepEqual(fieldsOwnedBy(shared, 'two'), { 'f:data': { 'f:y': {} } });
    },
  },
  {
    name: 'a field that its manager leaves out is removed',
    async run(test) {
      await applyData(test, 'one', { x: '1', y: '2' });
      const reduced = await applyData(test, 'one', { x: '1' });
      assert.deepEqual(reduced.data, { x: '1' });
      assert.deepEqual(fieldsOwnedBy(reduced, 'one'), { 'f:data': { 'f:x': {} } });
    },
  },
  {
    name: 'a field left out by one manager stays while another owns it too',
    async run(test) {
      await applyData(test, 'one', { x: '1', y: '1' });
      await applyData(test, 'two', { x: '1' });
      const kept = await applyData(test, 'one', { y: '1' });
      assert.deepEqual(kept.data, { x: '1', y: '1' });
      assert.deepEqual(fieldsOwnedBy(kept, 'two'), { 'f:data': { 'f:x': {} } });
    },
  },
  {
    name: 'a manager that leaves out everything owns nothing and is no longer listed',
    async run(test) {
      await applyData(test, 'one', { x: '1' });
      await applyData(test, 'two', { y: '2' });
      const { apiVersion, kind, metadata } = configMap(test, 'a');
      const object = { apiVersion, kind, metadata: { ...metadata, name: 'a' } };
      const left = await test.client.apply(ConfigMaps, object, { fieldManager: 'one' });
      assert.deepEqual(left.data, { y: '2' });
      assert.equal(fieldsOwnedBy(left, 'one'), undefined);
    },
  },
  {
    name: "another value for somebody else's field is a conflict that names the field and its manager",
    async run(test) {
      await applyData(test, 'one', { x: '1' });
      const error = await refused(applyData(test, 'two', { x: '2' }), 409, 'Conflict');
      assert.match(error.message, /Apply failed with 1 conflict: conflict with "one": \.data\.x$/);
      const causes = [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.x' }];
      assert.deepEqual(error.details?.causes, causes);
    },
  },
  {
    name: 'with force the field changes hands',
    async run(test) {
      await applyData(test, 'one', { x: '1', y: '1' });
      const taken = await applyData(test, 'two', { x: '2' }, true);
      assert.deepEqual(taken.data, { x: '2', y: '1' });
      assert.deepEqual(fieldsOwnedBy(taken, 'one'), { 'f:data': { 'f:y': {} } });
      assert.deepEqual(fieldsOwnedBy(taken, 'two'), { 'f:data': { 'f:x': {} } });
    },
  },
  {
    name: 'an update takes the fields that it changes, and applying them again is a conflict',
    async run(test) {
      const created = await applyData(test, 'one', { x: '1', y: '1' });
      const edited = await test.client.replace(
        ConfigMaps,
        { ...created, data: { x: '2', y: '1' } },
        { fieldManager: 'editor' },
      );
      assert.deepEqual(fieldsOwnedBy(edited, 'one'), { 'f:data': { 'f:y': {} } });
      assert.deepEqual(fieldsOwnedBy(edited, 'editor', 'Update'), { 'f:data': { 'f:x': {} } });
      const error = await refused(applyData(test, 'one', { x: '1', y: '1' }), 409, 'Conflict');
      assert.match(error.message, /conflict with "editor" using v1: \.data\.x$/);
    },
  },
  {
    name: 'applying the same again changes nothing',
    async run(test) {
      const first = await applyData(test, 'one', { x: '1' });
      const second = await applyData(test, 'one', { x: '1' });
      assert.deepEqual(second, first);
    },
  },
  {
    name: 'a dry run of apply shows the result and stores nothing',
    async run(test) {
      await applyData(test, 'one', { x: '1' });
      const { apiVersion, kind, metadata } = configMap(test, 'a');
      const object = { apiVersion, kind, metadata: { ...metadata, name: 'a' }, data: { y: '2' } };
      const shown = await test.client.apply(ConfigMaps, object, { fieldManager: 'two', dryRun: true });
      assert.deepEqual(shown.data, { x: '1', y: '2' });
      const stored = await test.client.get(ConfigMaps, { namespace: test.namespace, name: 'a' });
      assert.deepEqual(stored.data, { x: '1' });
    },
  },
  {
    name: 'labels and annotations merge, finalizers unite',
    async run(test) {
      const apply = (manager: string, metadata: object): Promise<ConfigMap> =>
        test.client.apply(
          ConfigMaps,
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: test.namespace, name: 'a', ...metadata } },
          { fieldManager: manager },
        );
      await apply('one', { labels: { a: '1' }, finalizers: ['example.com/one'] });
      const both = await apply('two', { labels: { b: '2' }, finalizers: ['example.com/two'] });
      assert.deepEqual(both.metadata.labels, { a: '1', b: '2' });
      assert.deepEqual(both.metadata.finalizers?.toSorted(), ['example.com/one', 'example.com/two']);
      const without = await apply('one', { labels: { a: '1' } });
      assert.deepEqual(without.metadata.finalizers, ['example.com/two']);
      const cleared = await apply('two', {});
      assert.equal(cleared.metadata.finalizers, undefined);
      assert.deepEqual(cleared.metadata.labels, { a: '1' });
    },
  },
  {
    name: 'containers merge by name, their ports by number and protocol, their environment by name',
    async run(test) {
      const main = {
        name: 'main',
        image: 'example.com/main:1',
        ports: [{ containerPort: 80 }],
        env: [{ name: 'A', value: '1' }],
      };
      await applyContainers(test, 'one', [main]);
      const extra = { name: 'main', ports: [{ containerPort: 53, protocol: 'UDP' }], env: [{ name: 'B', value: '2' }] };
      const merged = await applyContainers(test, 'two', [extra]);
      const [container] = containersOf(merged);
      assert.equal(containersOf(merged).length, 1);
      assert.equal(container?.image, 'example.com/main:1');
      assert.deepEqual(container?.env?.map(({ name }) => name).toSorted(), ['A', 'B']);
      assert.deepEqual(container?.ports?.map(({ containerPort }) => containerPort).toSorted(), [53, 80]);
      const reduced = await applyContainers(test, 'one', [{ name: 'main', image: 'example.com/main:1' }]);
      assert.deepEqual(containersOf(reduced)[0]?.env, [{ name: 'B', value: '2' }]);
      assert.deepEqual(
        containersOf(reduced)[0]?.ports?.map(({ containerPort }) => containerPort),
        [53],
      );
    },
  },
  {
    name: 'a container that its manager leaves out is removed',
    async run(test) {
      const side = { name: 'side', image: 'example.com/side:1' };
      await applyContainers(test, 'one', [{ name: 'main', image: 'example.com/main:1' }, side]);
      const reduced = await applyContainers(test, 'one', [{ name: 'main', image: 'example.com/main:1' }]);
      assert.deepEqual(
        containersOf(reduced).map(({ name }) => name),
        ['main'],
      );
    },
  },
  {
    name: 'a list without keys is owned and replaced as a whole',
    async run(test) {
      const command = (words: string[]): unknown[] => [{ name: 'main', image: 'example.com/main:1', command: words }];
      await applyContainers(test, 'one', command(['a', 'b']));
      const error = await refused(applyContainers(test, 'two', [{ name: 'main', command: ['c'] }]), 409, 'Conflict');
      assert.match(error.message, /\.spec\.template\.spec\.containers\[name="main"\]\.command$/);
      const replaced = await applyContainers(test, 'one', command(['c']));
      assert.deepEqual(containersOf(replaced)[0]?.command, ['c']);
    },
  },
  {
    name: 'applying the object leaves status alone, applying status leaves the object alone',
    async run(test) {
      await applyContainers(test, 'one', [{ name: 'main', image: 'example.com/main:1' }]);
      const object = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { namespace: test.namespace, name: 'web', labels: { no: 'label' } },
        status: { replicas: 3 },
      };
      const status = await test.client.apply(Deployments, object, { fieldManager: 'one', subresource: 'status' });
      assert.equal(status.status?.replicas, 3);
      assert.equal(status.metadata.labels, undefined);
      assert.equal(containersOf(status).length, 1);
      const again = await applyContainers(test, 'one', [{ name: 'main', image: 'example.com/main:2' }]);
      assert.equal(again.status?.replicas, 3);
      assert.equal(again.metadata.generation, 2);
    },
  },
  {
    name: 'applying to the status of what does not exist is refused as not found',
    async run(test) {
      const object = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { namespace: test.namespace, name: 'absent' },
      };
      const options = { fieldManager: 'one', subresource: 'status' };
      await refused(test.client.apply(Deployments, object, options), 404, 'NotFound');
    },
  },
  {
    name: 'applying with a stale version is a conflict, with a foreign uid invalid',
    async run(test) {
      const created = await applyData(test, 'one', { x: '1' });
      await applyData(test, 'one', { x: '2' });
      const apply = (metadata: object): Promise<ConfigMap> =>
        test.client.apply(
          ConfigMaps,
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { namespace: test.namespace, name: 'a', ...metadata },
            data: { x: '3' },
          },
          { fieldManager: 'one' },
        );
      await refused(apply({ resourceVersion: created.metadata.resourceVersion }), 409, 'Conflict');
      await refused(apply({ uid: '00000000-0000-4000-8000-000000000000' }), 422, 'Invalid');
    },
  },
  {
    name: "a custom kind's lists merge as its schema says",
    async run(test) {
      const named = {
        type: 'object',
        properties: { name: { type: 'string' }, value: { type: 'string' } },
        required: ['name'],
      } as const;
      const widgets = await defineWidgets(test, {
        spec: {
          type: 'object',
          properties: {
            rules: {
              type: 'array',
              items: named,
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['name'],
            },
            tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
            words: { type: 'array', items: { type: 'string' } },
            box: {
              type: 'object',
              properties: { a: { type: 'string' }, b: { type: 'string' } },
              'x-kubernetes-map-type': 'atomic',
            },
          },
        },
      });
      const apply = (manager: string, spec: Record<string, unknown>, force = false) =>
        test.client.apply(
          widgets,
          { ...widget(test, widgets, 'a'), metadata: { namespace: test.namespace, name: 'a' }, spec },
          { fieldManager: manager, force },
        );
      await apply('one', { rules: [{ name: 'a', value: '1' }], tags: ['x'], words: ['p'], box: { a: '1' } });
      const merged = await apply('two', { rules: [{ name: 'b', value: '2' }], tags: ['y'] });
      const both = [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ];
      assert.deepEqual(merged.spec?.['rules'], both);
      assert.deepEqual(merged.spec?.['tags'], ['x', 'y']);
      await refused(apply('two', { words: ['q'] }), 409, 'Conflict');
      const taken = await apply('three', { box: { b: '2' } }, true);
      assert.deepEqual(taken.spec?.['box'], { b: '2' });
      const reduced = await apply('one', { tags: ['x'], words: ['p'] });
      assert.deepEqual(reduced.spec?.['rules'], [{ name: 'b', value: '2' }]);
    },
  },
];
