import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { createEngine, type Engine } from '../../src/datastore/engine.ts';
import { StorageFull } from '../../src/datastore/storage/storage.ts';
import { MemoryStorage } from '../../src/datastore/testing/memory-storage.ts';

function open(storage: MemoryStorage): Engine {
  const failed = (error: unknown): never => {
    throw error;
  };
  return createEngine({ storage, clock: new VirtualClock(), log: silentLogger, cacheBytes: 1e6, failed });
}

async function put(engine: Engine, key: string, times = 1): Promise<void> {
  const value = Buffer.from('v');
  for (let at = 0; at < times; at++) await engine.queue.submit((draft) => draft.put(key, value, 0n));
}

const remove = (engine: Engine, key: string) =>
  engine.queue.submit((draft) => draft.deleteRange({ start: key, end: `${key}\0`, single: true }));

async function erased(engine: Engine): Promise<void> {
  const finished = engine.compactor.finished();
  engine.queue.schedule();
  await finished;
}

async function compact(engine: Engine, revision: number): Promise<void> {
  await engine.queue.submit((draft) => draft.compact(revision));
  await erased(engine);
}

const changeIds = (storage: MemoryStorage): number[] => [...storage.changes()].map(({ id }) => id);

describe('Compactor', () => {
  test('erases what was replaced, deletions and keys that are gone, and keeps the rest', async () => {
    const storage = new MemoryStorage();
    const engine = open(storage);
    await put(engine, 'kept', 3);
    await put(engine, 'gone');
    await remove(engine, 'gone');
    await put(engine, 'kept');
    await put(engine, 'kept');
    await compact(engine, 8);
    expect(changeIds(storage)).toEqual([6, 7]);
    expect([...storage.keys()].map(({ key }) => key)).toEqual(['kept']);
    expect(engine.store.tree.size).toBe(1);
    expect(engine.store.log.length).toBe(1);
    expect(engine.store.cache.bytes).toBeGreaterThan(0);
  });

  test('works in slices', async () => {
    const storage = new MemoryStorage();
    const engine = open(storage);
    await put(engine, 'k', 1300);
    await engine.queue.submit((draft) => draft.compact(1301));
    // Each submission lets one slice pass.
    const left: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      await engine.queue.submit(() => {});
      left.push(changeIds(storage).length);
    }
    expect(left[0]).toBeGreaterThan(700);
    await erased(engine);
    expect(changeIds(storage)).toEqual([1299, 1300]);
  });

  test('goes on where an interrupted one stopped', async () => {
    const storage = new MemoryStorage();
    const first = open(storage);
    await put(first, 'k', 5);
    await put(first, 'gone');
    await remove(first, 'gone');
    await storage.commit({ keys: [], changes: [], leases: new Map(), compactRevision: 8 });
    await first[Symbol.asyncDispose]();

    const second = open(storage);
    await erased(second);
    // The deletion at the compaction revision stays until the next compaction, and so does what it deleted.
    expect(changeIds(storage)).toEqual([5, 6, 7]);
    await put(second, 'k');
    await compact(second, 9);
    expect(changeIds(storage)).toEqual([5, 8]);
    expect([...storage.keys()].map(({ key }) => key)).toEqual(['k']);
  });

  test('is not given up for lack of space', async () => {
    const storage = new MemoryStorage();
    const engine = open(storage);
    await put(engine, 'k', 3);
    const erase = storage.erase.bind(storage);
    let refusals = 1;
    storage.erase = (erasure) => (refusals-- > 0 ? Promise.reject(new StorageFull('full')) : erase(erasure));
    await engine.queue.submit((draft) => draft.compact(4));
    await engine.queue.submit(() => {});
    expect(changeIds(storage)).toEqual([1, 2, 3]);
    await put(engine, 'k');
    await erased(engine);
    expect(changeIds(storage)).toEqual([2, 3, 4]);
  });
});
