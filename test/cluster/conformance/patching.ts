import assert from 'node:assert/strict';
import type { Patch } from '../../../src/cluster/client.ts';
import { ConfigMaps, type Deployment, Deployments } from '../../../src/cluster/kinds.ts';
import { deployment } from './samples.ts';
import { configMap, defineWidgets, refused, type Scenario, type ScenarioTest, widget } from './scenario.ts';

const patchWeb = (test: ScenarioTest, patch: Patch): Promise<Deployment> =>
  test.client.patch(Deployments, { namespace: test.namespace, name: 'web' }, patch);

const containersOf = (object: Deployment): { name: string; image: string | undefined; env: unknown }[] =>
  (object.spec?.template.spec?.containers ?? []).map(({ name, image, env }) => ({ name, image, env }));

/** The three kinds of patches besides server-side apply. */
export const patching: readonly Scenario[] = [
  {
    name: 'a merge patch sets, merges and removes fields',
    async run(test) {
      await test.client.create(ConfigMaps, configMap(test, 'a', { keep: '1', drop: '2' }));
      const body = { metadata: { labels: { a: 'b' } }, data: { drop: null, add: '3' } };
      const patched = await test.client.patch(
        ConfigMaps,
        { namespace: test.namespace, name: 'a' },
        { type: 'merge', body },
      );
      assert.deepEqual(patched.data, { keep: '1', add: '3' });
      assert.deepEqual(patched.metadata.labels, { a: 'b' });
    },
  },
  {
    name: 'a merge patch with a stale version is a conflict',
    async run(test) {
      const created = await test.client.create(ConfigMaps, configMap(test, 'a'));
      await test.client.replace(ConfigMaps, configMap(test, 'a', { x: '1' }));
      const body = { metadata: { resourceVersion: created.metadata.resourceVersion }, data: { x: '2' } };
      await refused(
        test.client.patch(ConfigMaps, { namespace: test.namespace, name: 'a' }, { type: 'merge', body }),
        409,
        'Conflict',
      );
    },
  },
  {
    name: 'patching what does not exist is refused as not found',
    async run(test) {
      const patch = { type: 'merge', body: { data: { x: '1' } } } as const;
      await refused(
        test.client.patch(ConfigMaps, { namespace: test.namespace, name: 'absent' }, patch),
        404,
        'NotFound',
      );
    },
  },
  {
    name: 'a JSON patch carries out its operations in order',
    async run(test) {
      const object = configMap(test, 'a');
      object.metadata.annotations = { 'example.com/moved': '3', 'example.com/kept': '4' };
      await test.client.create(ConfigMaps, { ...object, data: { one: '1', two: '2' } });
      const body = [
        { op: 'test', path: '/data/one', value: '1' },
        { op: 'add', path: '/data/three', value: '3' },
        { op: 'replace', path: '/data/one', value: 'eins' },
        { op: 'remove', path: '/data/two' },
        { op: 'copy', from: '/data/one', path: '/data/copy' },
        { op: 'move', from: '/metadata/annotations/example.com~1moved', path: '/data/moved' },
      ];
      const patched = await test.client.patch(
        ConfigMaps,
        { namespace: test.namespace, name: 'a' },
        { type: 'json', body },
      );
      assert.deepEqual(patched.data, { one: 'eins', three: '3', copy: 'eins', moved: '3' });
    },
  },
  {
    name: 'a JSON patch may test that a field is absent',
    async run(test) {
      const where = { namespace: test.namespace, name: 'a' };
      await test.client.create(ConfigMaps, configMap(test, 'a'));
      const body = [
        { op: 'test', path: '/metadata/finalizers', value: null },
        { op: 'add', path: '/metadata/finalizers', value: ['example.com/a'] },
      ];
      const patched = await test.client.patch(ConfigMaps, where, { type: 'json', body });
      assert.deepEqual(patched.metadata.finalizers, ['example.com/a']);
      await refused(test.client.patch(ConfigMaps, where, { type: 'json', body }), 422, 'Invalid');
    },
  },
  {
    name: 'a JSON patch adds to lists by index and at the end',
    async run(test) {
      const object = configMap(test, 'a');
      object.metadata.finalizers = ['example.com/b'];
      await test.client.create(ConfigMaps, object);
      const body = [
        { op: 'add', path: '/metadata/finalizers/0', value: 'example.com/a' },
        { op: 'add', path: '/metadata/finalizers/-', value: 'example.com/c' },
        { op: 'remove', path: '/metadata/finalizers/1' },
      ];
      const patched = await test.client.patch(
        ConfigMaps,
        { namespace: test.namespace, name: 'a' },
        { type: 'json', body },
      );
      assert.deepEqual(patched.metadata.finalizers, ['example.com/a', 'example.com/c']);
    },
  },
  {
    name: 'a JSON patch whose test fails or whose path is absent is invalid and changes nothing',
    async run(test) {
      await test.client.create(ConfigMaps, configMap(test, 'a', { x: '1' }));
      const where = { namespace: test.namespace, name: 'a' };
      const wrong = [
        { op: 'add', path: '/data/y', value: '2' },
        { op: 'test', path: '/data/x', value: '9' },
      ];
      await refused(test.client.patch(ConfigMaps, where, { type: 'json', body: wrong }), 422, 'Invalid');
      const absent = [{ op: 'remove', path: '/data/absent' }];
      await refused(test.client.patch(ConfigMaps, where, { type: 'json', body: absent }), 422, 'Invalid');
      assert.deepEqual((await test.client.get(ConfigMaps, where)).data, { x: '1' });
    },
  },
  {
    name: 'a strategic patch merges containers and their environment by name',
    async run(test) {
      await test.client.create(Deployments, deployment(test, 'web', { env: [{ name: 'A', value: '1' }] }));
      const containers = [
        { name: 'main', env: [{ name: 'B', value: '2' }] },
        { name: 'side', image: 'example.com/side:1' },
      ];
      const patched = await patchWeb(test, {
        type: 'strategic',
        body: { spec: { template: { spec: { containers } } } },
      });
      const byName = containersOf(patched).toSorted((a, b) => a.name.localeCompare(b.name));
      assert.deepEqual(byName[0]?.image, 'example.com/main:1');
      assert.deepEqual(
        new Set(byName[0]?.env as unknown[]),
        new Set([
          { name: 'B', value: '2' },
          { name: 'A', value: '1' },
        ]),
      );
      assert.deepEqual(byName[1]?.name, 'side');
    },
  },
  {
    name: 'a strategic patch deletes an item or replaces a list where it is told to',
    async run(test) {
      const env = [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ];
      await test.client.create(Deployments, deployment(test, 'web', { env }));
      const spec = (patch: unknown): unknown => ({
        spec: { template: { spec: { containers: [{ name: 'main', env: patch }] } } },
      });
      const reduced = await patchWeb(test, { type: 'strategic', body: spec([{ name: 'A', $patch: 'delete' }]) });
      assert.deepEqual(containersOf(reduced)[0]?.env, [{ name: 'B', value: '2' }]);
      const replaced = await patchWeb(test, {
        type: 'strategic',
        body: spec([{ name: 'C', value: '3' }, { $patch: 'replace' }]),
      });
      assert.deepEqual(containersOf(replaced)[0]?.env, [{ name: 'C', value: '3' }]);
      const cleared = await patchWeb(test, { type: 'strategic', body: spec(null) });
      assert.equal(containersOf(cleared)[0]?.env, undefined);
    },
  },
  {
    name: 'custom kinds take no strategic patches',
    async run(test) {
      const widgets = await defineWidgets(test, {
        spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      });
      await test.client.create(widgets, widget(test, widgets, 'a'));
      const patch = { type: 'strategic', body: { spec: { x: 1 } } } as const;
      await refused(
        test.client.patch(widgets, { namespace: test.namespace, name: 'a' }, patch),
        415,
        'UnsupportedMediaType',
      );
    },
  },
];
