import assert from 'node:assert/strict';
import { ConfigMaps, Deployments, Namespaces, Secrets } from '../../../src/cluster/kinds.ts';
import { configMap, refused, type Scenario, type ScenarioTest } from './scenario.ts';
import { deployment } from './samples.ts';

const namespaced = (test: ScenarioTest, name: string): { namespace: string; name: string } => ({
  namespace: test.namespace,
  name,
});

/** Creating, reading and replacing whole objects. */
export const writing: readonly Scenario[] = [
  {
    name: 'a created object has a uid, a version and a time, and is what get returns',
    async run(test) {
      const created = await test.client.create(ConfigMaps, configMap(test, 'a', { x: '1' }));
      assert.match(created.metadata.uid ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.match(created.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.match(created.metadata.resourceVersion ?? '', /^\d+$/);
      assert.equal(created.metadata.generation, undefined);
      assert.deepEqual(await test.client.get(ConfigMaps, namespaced(test, 'a')), created);
    },
  },
  {
    name: 'a second object of the same name is refused as already existing',
    async run(test) {
      await test.client.create(ConfigMaps, configMap(test, 'a'));
      const error = await refused(test.client.create(ConfigMaps, configMap(test, 'a')), 409, 'AlreadyExists');
      assert.match(error.message, /configmaps "a" already exists$/);
    },
  },
  {
    name: 'an object in a namespace that does not exist is refused as not found',
    async run(test) {
      const object = configMap(test, 'a');
      object.metadata.namespace = `${test.id}-absent`;
      const error = await refused(test.client.create(ConfigMaps, object), 404, 'NotFound');
      assert.match(error.message, /namespaces ".*-absent" not found$/);
    },
  },
  {
    name: 'a generated name is the prefix and five letters',
    async run(test) {
      const { name: _, ...metadata } = configMap(test, '').metadata;
      const object = { ...configMap(test, ''), metadata: { ...metadata, generateName: 'job-' } };
      const created = await test.client.create(ConfigMaps, object);
      assert.match(created.metadata.name ?? '', /^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      assert.equal(created.metadata.generateName, 'job-');
    },
  },
  {
    name: 'a name that is no DNS subdomain and a missing name are invalid',
    async run(test) {
      const error = await refused(test.client.create(ConfigMaps, configMap(test, 'Not_A_Name')), 422, 'Invalid');
      assert.equal(error.details?.causes?.[0]?.field, 'metadata.name');
      const { name: _, ...metadata } = configMap(test, '').metadata;
      const nameless = await refused(
        test.client.create(ConfigMaps, { ...configMap(test, ''), metadata }),
        422,
        'Invalid',
      );
      assert.match(nameless.message, /name or generateName is required/);
    },
  },
  {
    name: 'an object that does not exist cannot be read, and the message names it',
    async run(test) {
      const error = await refused(test.client.get(ConfigMaps, namespaced(test, 'absent')), 404, 'NotFound');
      assert.match(error.message, /configmaps "absent" not found$/);
      assert.equal(error.details?.name, 'absent');
    },
  },
  {
    name: 'creating with a resource version is refused',
    async run(test) {
      const object = configMap(test, 'a');
      object.metadata.resourceVersion = '5';
      const error = await test.client.create(ConfigMaps, object).catch((thrown: unknown) => thrown);
      assert.match(String(error), /resourceVersion should not be set on objects to be created/);
    },
  },
  {
    name: 'replacing with a stale version is a conflict, with the present one or none it succeeds',
    async run(test) {
      const first = await test.client.create(ConfigMaps, configMap(test, 'a', { x: '1' }));
      const second = await test.client.replace(ConfigMaps, { ...first, data: { x: '2' } });
      assert.ok(BigInt(second.metadata.resourceVersion ?? 0) > BigInt(first.metadata.resourceVersion ?? 0));
      const error = await refused(test.client.replace(ConfigMaps, { ...first, data: { x: '3' } }), 409, 'Conflict');
      assert.match(
        error.message,
        /the object has been modified; please apply your changes to the latest version and try again$/,
      );
      const third = await test.client.replace(ConfigMaps, configMap(test, 'a', { y: '3' }));
      assert.deepEqual(third.data, { y: '3' });
      assert.equal(third.metadata.uid, first.metadata.uid);
    },
  },
  {
    name: 'replacing an object of another uid is a conflict',
    async run(test) {
      const created = await test.client.create(ConfigMaps, configMap(test, 'a'));
      const { resourceVersion: _, ...metadata } = created.metadata;
      const other = { ...created, metadata: { ...metadata, uid: '00000000-0000-4000-8000-000000000000' } };
      await refused(test.client.replace(ConfigMaps, other), 409, 'Conflict');
    },
  },
  {
    name: 'replacing what does not exist is refused as not found',
    async run(test) {
      await refused(test.client.replace(ConfigMaps, configMap(test, 'absent')), 404, 'NotFound');
    },
  },
  {
    name: 'a write that changes nothing leaves the version as it is',
    async run(test) {
      const created = await test.client.create(ConfigMaps, configMap(test, 'a', { x: '1' }));
      const again = await test.client.replace(ConfigMaps, configMap(test, 'a', { x: '1' }));
      assert.equal(again.metadata.resourceVersion, created.metadata.resourceVersion);
    },
  },
  {
    name: 'a dry run answers like the real thing and stores nothing',
    async run(test) {
      const dry = await test.client.create(ConfigMaps, configMap(test, 'a', { x: '1' }), { dryRun: true });
      assert.deepEqual(dry.data, { x: '1' });
      assert.notEqual(dry.metadata.uid, undefined);
      await refused(test.client.get(ConfigMaps, namespaced(test, 'a')), 404, 'NotFound');
      const created = await test.client.create(ConfigMaps, configMap(test, 'a', { x: '1' }));
      const replaced = await test.client.replace(ConfigMaps, configMap(test, 'a', { x: '2' }), { dryRun: true });
      assert.deepEqual(replaced.data, { x: '2' });
      assert.deepEqual(await test.client.get(ConfigMaps, namespaced(test, 'a')), created);
    },
  },
  {
    name: 'the generation counts changes of the specification only',
    async run(test) {
      const created = await test.client.create(Deployments, deployment(test, 'web'));
      assert.equal(created.metadata.generation, 1);
      const labelled = await test.client.replace(Deployments, {
        ...created,
        metadata: { ...created.metadata, labels: { a: 'b' } },
      });
      assert.equal(labelled.metadata.generation, 1);
      const scaled = await test.client.replace(Deployments, {
        ...labelled,
        spec: { ...labelled.spec, replicas: 3 } as never,
      });
      assert.equal(scaled.metadata.generation, 2);
    },
  },
  {
    name: 'status is written through its sub-resource only, and that writes nothing else',
    async run(test) {
      const sent = { ...deployment(test, 'web'), status: { replicas: 5 } };
      const created = await test.client.create(Deployments, sent);
      assert.equal(created.status?.replicas, undefined);
      const ignored = await test.client.replace(Deployments, { ...created, status: { replicas: 5 } });
      assert.equal(ignored.status?.replicas, undefined);
      const changed = { ...ignored, spec: { ...ignored.spec, replicas: 9 } as never, status: { replicas: 2 } };
      const written = await test.client.replace(Deployments, changed, { subresource: 'status' });
      assert.equal(written.status?.replicas, 2);
      assert.equal(written.spec?.replicas, 1);
      assert.equal(written.metadata.generation, 1);
      await refused(test.client.replace(ConfigMaps, configMap(test, 'a'), { subresource: 'status' }), 404, 'NotFound');
    },
  },
  {
    name: "a secret's stringData is stored as data",
    async run(test) {
      const created = await test.client.create(Secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 's', namespace: test.namespace },
        stringData: { password: 'geheim' },
      });
      assert.deepEqual(created.data, { password: Buffer.from('geheim').toString('base64') });
      assert.equal(created.type, 'Opaque');
      assert.equal(created.stringData, undefined);
    },
  },
  {
    name: 'what must not change is refused as invalid: selectors, immutable data',
    async run(test) {
      const web = await test.client.create(Deployments, deployment(test, 'web'));
      const changed = structuredClone(web);
      if (changed.spec !== undefined) changed.spec.selector = { matchLabels: { app: 'web', more: 'x' } };
      if (changed.spec?.template.metadata !== undefined)
        changed.spec.template.metadata.labels = { app: 'web', more: 'x' };
      await refused(test.client.replace(Deployments, changed), 422, 'Invalid');
      await test.client.create(ConfigMaps, { ...configMap(test, 'fixed', { x: '1' }), immutable: true });
      const again = { ...configMap(test, 'fixed', { x: '2' }), immutable: true };
      await refused(test.client.replace(ConfigMaps, again), 422, 'Invalid');
    },
  },
  {
    name: 'a namespace is labelled with its name and active',
    async run(test) {
      const namespace = await test.client.get(Namespaces, { name: test.namespace });
      assert.equal(namespace.metadata.labels?.['kubernetes.io/metadata.name'], test.namespace);
      assert.equal(namespace.status?.phase, 'Active');
    },
  },
  {
    name: 'an object of another kind than the path says is a bad request',
    async run(test) {
      await refused(test.client.create(ConfigMaps, { ...configMap(test, 'a'), kind: 'Secret' }), 400, 'BadRequest');
    },
  },
];
