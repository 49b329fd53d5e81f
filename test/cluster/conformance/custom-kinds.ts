import assert from 'node:assert/strict';
import { CustomResourceDefinitions } from '../../../src/cluster/kinds.ts';
import { defineWidgets, eventsUntil, refused, type Scenario, widget } from './scenario.ts';

/** Kinds made by CustomResourceDefinitions. */
export const customKinds: readonly Scenario[] = [
  {
    name: 'a definition is accepted and established, and its kind is found by version and kind',
    async run(test) {
      const widgets = await defineWidgets(test, { spec: { type: 'object' } });
      const definition = await test.client.get(CustomResourceDefinitions, { name: `widgets.${widgets.group}` });
      const conditions = (definition.status?.conditions ?? []).map(({ type, status }) => `${type}=${status}`);
      assert.deepEqual(conditions.toSorted(), ['Established=True', 'NamesAccepted=True']);
      assert.deepEqual(definition.status?.storedVersions, ['v1']);
      assert.equal(await test.client.resourceFor(`${widgets.group}/v1`, 'Absent'), undefined);
      const created = await test.client.create(widgets, widget(test, widgets, 'a'));
      assert.equal(created.metadata.generation, 1);
    },
  },
  {
    name: 'defaults of the schema are filled in, unknown fields dropped unless preserved',
    async run(test) {
      const widgets = await defineWidgets(test, {
        spec: {
          type: 'object',
          properties: {
            size: { type: 'integer', default: 3 },
            inner: { type: 'object', default: {}, properties: { colour: { type: 'string', default: 'red' } } },
            free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            map: {
              type: 'object',
              additionalProperties: { type: 'object', properties: { a: { type: 'string', default: 'b' } } },
            },
            list: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer', default: 1 } } } },
            nothing: { type: 'string', nullable: true, default: 'something' },
          },
        },
      });
      const spec = { unknown: 1, free: { any: { thing: [1] } }, map: { k: { z: 1 } }, list: [{}], nothing: null };
      const created = await test.client.create(widgets, widget(test, widgets, 'a', spec));
      assert.deepEqual(created.spec, {
        size: 3,
        inner: { colour: 'red' },
        free: { any: { thing: [1] } },
        map: { k: { a: 'b' } },
        list: [{ n: 1 }],
        nothing: null,
      });
    },
  },
  {
    name: 'what the schema does not allow is invalid, with the field named',
    async run(test) {
      const widgets = await defineWidgets(test, {
        spec: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string', minLength: 2 },
            level: { type: 'string', enum: ['low', 'high'] },
            port: { 'x-kubernetes-int-or-string': true },
            count: { type: 'integer', minimum: 1, maximum: 5 },
            list: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer' } } } },
          },
        },
      });
      const create = (spec: Record<string, unknown>): Promise<unknown> =>
        test.client.create(widgets, widget(test, widgets, 'a', spec));
      const fieldOf = async (spec: Record<string, unknown>): Promise<string | undefined> =>
        (await refused(create(spec), 422, 'Invalid')).details?.causes?.[0]?.field;
      assert.equal(await fieldOf({}), 'spec.name');
      assert.equal(await fieldOf({ name: 'x' }), 'spec.name');
      assert.equal(await fieldOf({ name: 'xx', level: 'middle' }), 'spec.level');
      assert.equal(await fieldOf({ name: 'xx', port: true }), 'spec.port');
      assert.equal(await fieldOf({ name: 'xx', count: 6 }), 'spec.count');
      assert.equal(await fieldOf({ name: 'xx', list: [{ n: 1 }, { n: 'x' }] }), 'spec.list[1].n');
      await create({ name: 'xx', level: 'low', port: 'http', count: 5, list: [{ n: 1 }] });
    },
  },
  {
    name: 'with a status sub-resource, status and specification are written apart',
    async run(test) {
      const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;
      const widgets = await defineWidgets(test, { spec: anything, status: anything }, { status: true });
      const sent = { ...widget(test, widgets, 'a', { x: 1 }), status: { y: 1 } };
      const created = await test.client.create(widgets, sent);
      assert.equal(created.status, undefined);
      const changed = { ...created, spec: { x: 2 }, status: { y: 2 } };
      const status = await test.client.replace(widgets, changed, { subresource: 'status' });
      assert.deepEqual([status.spec, status.status, status.metadata.generation], [{ x: 1 }, { y: 2 }, 1]);
      const specification = await test.client.replace(widgets, { ...status, spec: { x: 3 }, status: { y: 3 } });
      assert.deepEqual(
        [specification.spec, specification.status, specification.metadata.generation],
        [{ x: 3 }, { y: 2 }, 2],
      );
    },
  },
  {
    name: 'a custom object is replaced only by somebody who says which version of it',
    async run(test) {
      const widgets = await defineWidgets(test, { spec: { type: 'object' } });
      await test.client.create(widgets, widget(test, widgets, 'a'));
      const error = await refused(test.client.replace(widgets, widget(test, widgets, 'a')), 422, 'Invalid');
      assert.equal(error.details?.causes?.[0]?.field, 'metadata.resourceVersion');
    },
  },
  {
    name: 'deleting a definition deletes its objects, and then the kind is unknown',
    async run(test) {
      const widgets = await defineWidgets(test, { spec: { type: 'object' } });
      await test.client.create(widgets, widget(test, widgets, 'a'));
      const { resourceVersion } = await test.client.list(CustomResourceDefinitions);
      await test.client.delete(CustomResourceDefinitions, { name: `widgets.${widgets.group}` });
      const options = { resourceVersion, fieldSelector: `metadata.name=widgets.${widgets.group}` };
      await eventsUntil(test, CustomResourceDefinitions, options, (event) => event.type === 'DELETED');
      const error: unknown = await test.client.list(widgets).catch((thrown: unknown) => thrown);
      assert.match(String(error), /404 page not found$/);
    },
  },
];
