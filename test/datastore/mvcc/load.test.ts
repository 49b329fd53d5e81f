import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { load } from '../../../src/datastore/mvcc/load.ts';
import { Store } from '../../../src/datastore/mvcc/store.ts';
import { MemoryStorage } from '../../../src/datastore/testing/memory-storage.ts';
import type { Commit, StoredChange } from '../../../src/datastore/storage/storage.ts';

const change = (id: number, revision: number, keyId: number, version = 1, lease = 0n): StoredChange => ({
  id,
  revision,
  keyId,
  createRevision: version === 0 ? 0 : revision,
  version,
  lease,
});

async function storageWith(commit: Partial<Omit<Commit, 'changes'>>, changes: StoredChange[] = []) {
  const storage = new MemoryStorage();
  await storage.commit({
    keys: [],
    leases: new Map(),
    compactRevision: undefined,
    ...commit,
    changes: changes.map((each) => ({ change: each, value: Buffer.from('v') })),
  });
  return storage;
}

function loaded(storage: MemoryStorage, clock = new VirtualClock()) {
  const store = new Store({ storage, clock, log: silentLogger, cacheBytes: 0 });
  return { store, leftovers: load(store) };
}

const keys = [
  { id: 1, key: 'a' },
  { id: 2, key: 'b' },
];

describe('load', () => {
  test('an empty storage is at revision 1', () => {
    const { store } = loaded(new MemoryStorage());
    expect(store.revision).toBe(1);
  });

  test('restores histories, numbers and what is live', async () => {
    const { store } = loaded(
      await storageWith({ keys }, [change(1, 2, 1), change(2, 3, 2), change(3, 3, 1, 2), change(7, 4, 2, 0)]),
    );
    expect(store.revision).toBe(4);
    expect(store.nextChangeId).toBe(8);
    expect(store.nextKeyId).toBe(3);
    expect(store.tree.get('a')?.changes.map(({ id }) => id)).toEqual([1, 3]);
    expect(store.tree.get('a')?.live).toBe(true);
    expect(store.tree.get('b')?.live).toBe(false);
    expect(store.log.length).toBe(4);
  });

  test('reports what an interrupted compaction has left, and does not load it', async () => {
    const { store, leftovers } = loaded(
      await storageWith({ keys: [...keys, { id: 3, key: 'orphan' }], compactRevision: 5 }, [
        change(1, 2, 1),
        change(2, 3, 1, 2),
        change(3, 4, 2),
        change(4, 4, 2, 0),
        change(5, 6, 1, 3),
      ]),
    );
    expect(leftovers).toEqual({ changeIds: [1, 3, 4], keyIds: [2, 3] });
    expect(store.tree.get('a')?.changes.map(({ id }) => id)).toEqual([2, 5]);
    expect(store.tree.get('b')).toBeUndefined();
    expect(store.log.length).toBe(1);
  });

  test('keeps a deletion exactly at the compaction revision, and what it deleted', async () => {
    const { store, leftovers } = loaded(
      await storageWith({ keys, compactRevision: 3 }, [change(1, 2, 1), change(2, 3, 1, 0)]),
    );
    expect(leftovers).toEqual({ changeIds: [], keyIds: [2] });
    expect(store.tree.get('a')?.changes.map(({ id }) => id)).toEqual([1, 2]);
  });

  test('never goes back behind the compaction revision', async () => {
    const { store } = loaded(await storageWith({ compactRevision: 9 }));
    expect(store.revision).toBe(9);
    expect(store.assignedRevision).toBe(9);
  });

  test('attaches keys to leases, which go on from where they were', async () => {
    const clock = new VirtualClock('2026-01-01T00:00:00Z');
    const lease = { id: 5n, ttl: 60, expiresAt: clock.now() + 20_000 };
    const past = { id: 6n, ttl: 60, expiresAt: clock.now() - 1000 };
    const setBack = { id: 7n, ttl: 60, expiresAt: clock.now() + 3_600_000 };
    const leases = new Map([lease, past, setBack].map((each) => [each.id, each]));
    const { store } = loaded(
      await storageWith({ keys, leases }, [change(1, 2, 1, 1, 5n), change(2, 3, 2, 1, 5n), change(3, 4, 2, 0)]),
      clock,
    ); // prettier-ignore
    expect([...(store.leases.get(5n)?.keys ?? [])]).toEqual(['a']);
    expect(store.leases.all().map(({ id, deadline }) => [id, deadline - clock.monotonic()])).toEqual([
      [6n, 0],
      [5n, 20_000],
      [7n, 60_000],
    ]);
  });

  test.each([
    ['a change of a key that is missing', [change(1, 2, 99)], 'change 1 is of key 99, which is missing'],
    ['changes out of order', [change(1, 5, 1), change(2, 4, 1)], 'change 2 is older than those before it'],
  ])('refuses %s', async (_, changes, message) => {
    const storage = await storageWith({ keys }, changes);
    expect(() => loaded(storage)).toThrow(expect.objectContaining({ name: 'InconsistentRecords', message }));
  });
});
