import { describe, expect, test } from 'vitest';
import { type ConfigMap, ConfigMaps } from '../../src/cluster/kinds.ts';
import type { ReflectorEvent } from '../../src/cluster/reflector-event.ts';
import { type Delta, type Index, ObjectStore } from '../../src/cluster/store.ts';

function map(
  name: string,
  version: number,
  more: { uid?: string; namespace?: string; label?: string; managed?: boolean } = {},
): ConfigMap {
  const { uid = `uid-${name}`, namespace = 'default', label, managed = false } = more;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: String(version),
      ...(label === undefined ? {} : { labels: { app: label } }),
      ...(managed ? { managedFields: [{ manager: 'x' }] } : {}),
    },
    data: { version: String(version) },
  };
}

const summary = (deltas: Delta<ConfigMap>[]): string[] =>
  deltas.map(
    (delta) =>
      `${delta.type}${delta.type === 'added' && delta.initial ? ' initially' : ''} ${delta.key} ${delta.object.data?.['version']}`,
  );

function filled(...objects: ConfigMap[]): ObjectStore<ConfigMap> {
  const store = new ObjectStore(ConfigMaps);
  store.apply({ type: 'Init' });
  for (const object of objects) store.apply({ type: 'InitApply', object });
  store.apply({ type: 'InitDone', resourceVersion: '100' });
  return store;
}

function relist(store: ObjectStore<ConfigMap>, resourceVersion: string, ...objects: ConfigMap[]): Delta<ConfigMap>[] {
  const events: ReflectorEvent<ConfigMap>[] = [
    { type: 'Init' },
    ...objects.map((object) => ({ type: 'InitApply', object }) as const),
    { type: 'InitDone', resourceVersion },
  ];
  return events.flatMap((event) => store.apply(event));
}

const byApp: Index<ConfigMap> = { name: 'app', values: ({ metadata }) => Object.values(metadata.labels ?? {}) };

describe('filling a store', () => {
  test('nothing shows before the list is complete, then everything at once, as initial', () => {
    const store = new ObjectStore(ConfigMaps);
    expect(store.apply({ type: 'Init' })).toEqual([]);
    expect(store.apply({ type: 'InitApply', object: map('a', 1) })).toEqual([]);
    expect([store.synced, store.size, store.resourceVersion, store.get('default/a')]).toEqual([
      false,
      0,
      '',
      undefined,
    ]);
    const deltas = store.apply({ type: 'InitDone', resourceVersion: '7' });
    expect(summary(deltas)).toEqual(['added initially default/a 1']);
    expect([store.synced, store.size, store.resourceVersion]).toEqual([true, 1, '7']);
  });

  test('an object deleted while the list comes in is not in it', () => {
    const store = new ObjectStore(ConfigMaps);
    store.apply({ type: 'Init' });
    store.apply({ type: 'InitApply', object: map('a', 1) });
    store.apply({ type: 'Delete', object: map('a', 2) });
    expect(store.apply({ type: 'InitDone', resourceVersion: '7' })).toEqual([]);
  });

  test('a list that begins again forgets the first attempt', () => {
    const store = new ObjectStore(ConfigMaps);
    store.apply({ type: 'Init' });
    store.apply({ type: 'InitApply', object: map('gone', 1) });
    expect(summary(relist(store, '7', map('a', 1)))).toEqual(['added initially default/a 1']);
  });

  test('a second list deletes what vanished, updates what changed and leaves the rest as the same objects', () => {
    const store = filled(map('gone', 1), map('same', 2), map('changed', 3));
    const same = store.get('default/same');
    const deltas = relist(store, '200', map('same', 2), map('changed', 150), map('new', 151));
    expect(summary(deltas)).toEqual(['deleted default/gone 1', 'updated default/changed 150', 'added default/new 151']);
    expect(store.get('default/same')).toBe(same);
  });

  test('an object that was deleted and made again meanwhile is a deletion and an addition', () => {
    const store = filled(map('a', 1));
    const deltas = relist(store, '200', map('a', 150, { uid: 'another' }));
    expect(summary(deltas)).toEqual(['deleted default/a 1', 'added default/a 150']);
    expect(summary(store.apply({ type: 'Apply', object: map('a', 201, { uid: 'third' }) }))).toEqual([
      'deleted default/a 150',
      'added default/a 201',
    ]);
  });
});

describe('following a kind', () => {
  test('changes come with what was there before', () => {
    const store = filled(map('a', 1));
    expect(summary(store.apply({ type: 'Apply', object: map('b', 101) }))).toEqual(['added default/b 101']);
    const [updated] = store.apply({ type: 'Apply', object: map('a', 102) });
    expect(updated).toMatchObject({
      type: 'updated',
      object: { data: { version: '102' } },
      previous: { data: { version: '1' } },
    });
    expect(summary(store.apply({ type: 'Delete', object: map('a', 103) }))).toEqual(['deleted default/a 102']);
    expect(store.apply({ type: 'Delete', object: map('a', 104) })).toEqual([]);
    expect(store.resourceVersion).toBe('104');
  });

  test('the version goes forward with bookmarks and never back', () => {
    const store = filled(map('a', 1));
    store.apply({ type: 'Bookmark', resourceVersion: '18446744073709551616' });
    store.apply({ type: 'Apply', object: map('a', 5) });
    expect(store.resourceVersion).toBe('18446744073709551616');
  });

  test('managed fields are dropped and objects are frozen, unless told otherwise', () => {
    const store = filled(map('a', 1, { managed: true }));
    const object = store.get('default/a');
    expect(object?.metadata.managedFields).toBeUndefined();
    expect(() => Object.assign(object?.data ?? {}, { more: 'x' })).toThrow(TypeError);
    const open = new ObjectStore(ConfigMaps, { freeze: false });
    open.apply({ type: 'Init' });
    open.apply({ type: 'InitApply', object: map('a', 1) });
    open.apply({ type: 'InitDone', resourceVersion: '1' });
    expect(Object.isFrozen(open.get('default/a'))).toBe(false);
  });
});

describe('reading', () => {
  const store = filled(map('a', 1), map('b', 2), map('a', 3, { namespace: 'other', uid: 'other-a' }));

  test('by reference or by key', () => {
    expect(store.get({ namespace: 'other', name: 'a' })).toBe(store.get('other/a'));
    expect(store.get('other/b')).toBeUndefined();
  });

  test('everything, or one namespace', () => {
    expect(store.list()).toHaveLength(3);
    expect(store.list('other').map(({ metadata }) => metadata.uid)).toEqual(['other-a']);
    expect(store.list('empty')).toEqual([]);
  });

  test('by an index, which follows additions, changes and deletions', () => {
    const indexed = filled(map('a', 1, { label: 'web' }), map('b', 2, { label: 'web' }), map('c', 3));
    const under = (value: string): unknown[] =>
      indexed
        .byIndex(byApp, value)
        .map(({ metadata }) => metadata.name ?? '')
        .toSorted((a, b) => a.localeCompare(b));
    expect(under('web')).toEqual(['a', 'b']);
    indexed.apply({ type: 'Apply', object: map('c', 101, { label: 'web' }) });
    indexed.apply({ type: 'Apply', object: map('a', 102, { label: 'db' }) });
    indexed.apply({ type: 'Delete', object: map('b', 103) });
    expect([under('web'), under('db'), under('none')]).toEqual([['c'], ['a'], []]);
    relist(indexed, '200', map('d', 150, { label: 'db' }));
    expect([under('web'), under('db')]).toEqual([[], ['d']]);
  });

  test('a late reader gets the content as initial additions', () => {
    expect(summary(store.replay()).toSorted()).toEqual([
      'added initially default/a 1',
      'added initially default/b 2',
      'added initially other/a 3',
    ]);
  });
});

describe('waiting for a write to show', () => {
  const state = async (wait: Promise<void>): Promise<string> =>
    Promise.race([wait.then(() => 'shown'), Promise.resolve('waiting').then((word) => word)]);

  test('ends at once when it shows already', async () => {
    await filled(map('a', 1)).waitForRevision('default/a', '100');
  });

  test('ends with the event of the write, or with any later one', async () => {
    const store = filled(map('a', 1));
    const own = store.waitForRevision('default/a', '101');
    const other = store.waitForRevision('default/b', '102');
    expect(await state(own)).toBe('waiting');
    store.apply({ type: 'Apply', object: map('a', 101) });
    await own;
    expect(await state(other)).toBe('waiting');
    store.apply({ type: 'Bookmark', resourceVersion: '150' });
    await other;
  });

  test('ends when the object is gone since', async () => {
    const store = filled(map('a', 1));
    const wait = store.waitForRevision('default/a', '101');
    store.apply({ type: 'Delete', object: map('a', 102) });
    await wait;
  });

  test('does not end before there is a complete list', async () => {
    const store = new ObjectStore(ConfigMaps);
    const wait = store.waitForRevision('default/a', '0');
    expect(await state(wait)).toBe('waiting');
    relist(store, '7');
    await wait;
  });

  test('is given up when the signal aborts, and leaves others waiting', async () => {
    const store = filled(map('a', 1));
    const controller = new AbortController();
    const given = store.waitForRevision('default/a', '500', controller.signal);
    const other = store.waitForRevision('default/a', '500');
    controller.abort(new Error('too long'));
    await expect(given).rejects.toThrow('too long');
    await expect(store.waitForRevision('default/a', '500', controller.signal)).rejects.toThrow('too long');
    store.apply({ type: 'Bookmark', resourceVersion: '500' });
    await other;
  });
});
