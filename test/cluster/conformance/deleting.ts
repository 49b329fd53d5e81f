import assert from 'node:assert/strict';
import { ConfigMaps, Deployments, Jobs, Namespaces } from '../../../src/cluster/kinds.ts';
import type { KubernetesObject, ObjectRef } from '../../../src/cluster/object.ts';
import type { Resource } from '../../../src/cluster/resource.ts';
import { deployment, job } from './samples.ts';
import { configMap, eventsUntil, refused, type Scenario, type ScenarioTest } from './scenario.ts';

function ref(test: ScenarioTest, name: string): ObjectRef {
  return { namespace: test.namespace, name };
}

async function untilGone(test: ScenarioTest, resource: Resource, name: string): Promise<void> {
  const options = { namespace: test.namespace, fieldSelector: `metadata.name=${name}` };
  const { resourceVersion, items } = await test.client.list(resource, options);
  if (items.length === 0) return;
  await eventsUntil(test, resource, { ...options, resourceVersion }, (event) => event.type === 'DELETED');
}

function owned<T extends KubernetesObject>(object: T, owner: KubernetesObject, block = false): T {
  const { uid = '', name = '' } = owner.metadata;
  const reference = { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, blockOwnerDeletion: block };
  return { ...object, metadata: { ...object.metadata, ownerReferences: [reference] } };
}

/** Deletion, finalizers and garbage collection. */
export const deleting: readonly Scenario[] = [
  {
    name: 'a deleted object is gone, and deleting it again is refused as not found',
    async run(test) {
      await test.client.create(ConfigMaps, configMap(test, 'a'));
      await test.client.delete(ConfigMaps, ref(test, 'a'));
      await refused(test.client.get(ConfigMaps, ref(test, 'a')), 404, 'NotFound');
      await refused(test.client.delete(ConfigMaps, ref(test, 'a')), 404, 'NotFound');
    },
  },
  {
    name: 'a deletion on condition of another uid or version is a conflict',
    async run(test) {
      const created = await test.client.create(ConfigMaps, configMap(test, 'a'));
      const { uid = '', resourceVersion = '' } = created.metadata;
      await test.client.replace(ConfigMaps, configMap(test, 'a', { x: '1' }));
      const elsewhere = { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } };
      await refused(test.client.delete(ConfigMaps, ref(test, 'a'), elsewhere), 409, 'Conflict');
      await refused(
        test.client.delete(ConfigMaps, ref(test, 'a'), { preconditions: { resourceVersion } }),
        409,
        'Conflict',
      );
      await test.client.delete(ConfigMaps, ref(test, 'a'), { preconditions: { uid } });
    },
  },
  {
    name: 'an object with finalizers is marked, keeps being readable, and goes with its last finalizer',
    async run(test) {
      const object = configMap(test, 'a');
      object.metadata.finalizers = ['example.com/one', 'example.com/two'];
      const created = await test.client.create(ConfigMaps, object);
      await test.client.delete(ConfigMaps, ref(test, 'a'));
      const marked = await test.client.get(ConfigMaps, ref(test, 'a'));
      assert.notEqual(marked.metadata.deletionTimestamp, undefined);
      assert.equal(marked.metadata.deletionGracePeriodSeconds, 0);
      assert.notEqual(marked.metadata.resourceVersion, created.metadata.resourceVersion);
      await test.client.delete(ConfigMaps, ref(test, 'a'));
      const again = await test.client.get(ConfigMaps, ref(test, 'a'));
      assert.equal(again.metadata.resourceVersion, marked.metadata.resourceVersion);
      const one = { type: 'merge', body: { metadata: { finalizers: ['example.com/two'] } } } as const;
      await test.client.patch(ConfigMaps, ref(test, 'a'), one);
      await test.client.get(ConfigMaps, ref(test, 'a'));
      await test.client.patch(ConfigMaps, ref(test, 'a'), { type: 'merge', body: { metadata: { finalizers: null } } });
      await refused(test.client.get(ConfigMaps, ref(test, 'a')), 404, 'NotFound');
    },
  },
  {
    name: 'marking for deletion counts as a change of the generation',
    async run(test) {
      const object = deployment(test, 'web');
      object.metadata.finalizers = ['example.com/one'];
      await test.client.create(Deployments, object);
      await test.client.delete(Deployments, ref(test, 'web'));
      assert.equal((await test.client.get(Deployments, ref(test, 'web'))).metadata.generation, 2);
      await test.client.patch(Deployments, ref(test, 'web'), {
        type: 'merge',
        body: { metadata: { finalizers: null } },
      });
    },
  },
  {
    name: 'no finalizer can be added to an object that is being deleted',
    async run(test) {
      const object = configMap(test, 'a');
      object.metadata.finalizers = ['example.com/one'];
      await test.client.create(ConfigMaps, object);
      await test.client.delete(ConfigMaps, ref(test, 'a'));
      const body = { metadata: { finalizers: ['example.com/one', 'example.com/two'] } };
      await refused(test.client.patch(ConfigMaps, ref(test, 'a'), { type: 'merge', body }), 422, 'Invalid');
      await test.client.patch(ConfigMaps, ref(test, 'a'), { type: 'merge', body: { metadata: { finalizers: null } } });
    },
  },
  {
    name: 'nobody but a deletion can mark an object as being deleted',
    async run(test) {
      const object = configMap(test, 'a');
      object.metadata.deletionTimestamp = '2020-01-01T00:00:00Z';
      const created = await test.client.create(ConfigMaps, object);
      assert.equal(created.metadata.deletionTimestamp, undefined);
    },
  },
  {
    name: 'a namespace that is being deleted takes no new objects',
    async run(test) {
      const name = `${test.id}-closing`;
      await test.client.create(Namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const kept = {
        ...configMap(test, 'kept'),
        metadata: { name: 'kept', namespace: name, finalizers: ['example.com/one'] },
      };
      await test.client.create(ConfigMaps, kept);
      await test.client.delete(Namespaces, { name });
      assert.equal((await test.client.get(Namespaces, { name })).status?.phase, 'Terminating');
      const late = { ...configMap(test, 'late'), metadata: { name: 'late', namespace: name } };
      const error = await refused(test.client.create(ConfigMaps, late), 403, 'Forbidden');
      assert.match(error.message, /because it is being terminated$/);
      await test.client.patch(
        ConfigMaps,
        { namespace: name, name: 'kept' },
        { type: 'merge', body: { metadata: { finalizers: null } } },
      );
    },
  },
  {
    name: 'a deleted namespace disappears after its content',
    needsControllers: true,
    async run(test) {
      const name = `${test.id}-going`;
      await test.client.create(Namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      await test.client.create(ConfigMaps, { ...configMap(test, 'a'), metadata: { name: 'a', namespace: name } });
      await test.client.delete(Namespaces, { name });
      const { items, resourceVersion } = await test.client.list(Namespaces, { fieldSelector: `metadata.name=${name}` });
      const options = { fieldSelector: `metadata.name=${name}`, resourceVersion };
      if (items.length > 0) await eventsUntil(test, Namespaces, options, (event) => event.type === 'DELETED');
      assert.deepEqual((await test.client.list(ConfigMaps, { namespace: name })).items, []);
    },
  },
  {
    name: 'dependents go after their owner',
    needsControllers: true,
    async run(test) {
      const owner = await test.client.create(ConfigMaps, configMap(test, 'owner'));
      await test.client.create(ConfigMaps, owned(configMap(test, 'dependent'), owner));
      await test.client.delete(ConfigMaps, ref(test, 'owner'));
      await untilGone(test, ConfigMaps, 'dependent');
    },
  },
  {
    name: 'an owner deleted in the foreground waits for the dependents that block it',
    needsControllers: true,
    async run(test) {
      const owner = await test.client.create(ConfigMaps, configMap(test, 'owner'));
      const dependent = owned(configMap(test, 'dependent'), owner, true);
      dependent.metadata.finalizers = ['example.com/one'];
      await test.client.create(ConfigMaps, dependent);
      await test.client.delete(ConfigMaps, ref(test, 'owner'), { propagationPolicy: 'Foreground' });
      const waiting = await test.client.get(ConfigMaps, ref(test, 'owner'));
      assert.deepEqual(waiting.metadata.finalizers, ['foregroundDeletion']);
      const options = { namespace: test.namespace, fieldSelector: 'metadata.name=dependent' };
      const isMarked = (event: { type: string; object?: KubernetesObject }): boolean =>
        event.object?.metadata.deletionTimestamp !== undefined;
      await eventsUntil(test, ConfigMaps, options, isMarked);
      await test.client.patch(ConfigMaps, ref(test, 'dependent'), {
        type: 'merge',
        body: { metadata: { finalizers: null } },
      });
      await untilGone(test, ConfigMaps, 'owner');
    },
  },
  {
    name: 'orphaned dependents stay, without their owner reference',
    needsControllers: true,
    async run(test) {
      const owner = await test.client.create(ConfigMaps, configMap(test, 'owner'));
      await test.client.create(ConfigMaps, owned(configMap(test, 'dependent'), owner));
      await test.client.delete(ConfigMaps, ref(test, 'owner'), { propagationPolicy: 'Orphan' });
      await untilGone(test, ConfigMaps, 'owner');
      const left = await test.client.get(ConfigMaps, ref(test, 'dependent'));
      assert.equal(left.metadata.ownerReferences, undefined);
    },
  },
  {
    name: "a job's dependents are orphaned unless the deletion says otherwise",
    needsControllers: true,
    async run(test) {
      const owner = await test.client.create(Jobs, job(test, 'work'));
      await test.client.create(ConfigMaps, owned(configMap(test, 'dependent'), owner));
      await test.client.delete(Jobs, ref(test, 'work'));
      await untilGone(test, Jobs, 'work');
      assert.equal((await test.client.get(ConfigMaps, ref(test, 'dependent'))).metadata.ownerReferences, undefined);
    },
  },
  {
    name: 'an object whose owner does not exist is collected',
    needsControllers: true,
    async run(test) {
      const ghost = configMap(test, 'ghost');
      ghost.metadata.uid = '00000000-0000-4000-8000-000000000000';
      await test.client.create(ConfigMaps, owned(configMap(test, 'dependent'), ghost));
      await untilGone(test, ConfigMaps, 'dependent');
    },
  },
];
