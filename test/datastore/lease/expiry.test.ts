import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { createEngine, type Engine } from '../../../src/datastore/engine.ts';
import { StorageFull } from '../../../src/datastore/storage/storage.ts';
import { MemoryStorage } from '../../../src/datastore/testing/memory-storage.ts';

const value = Buffer.from('v');

function open(storage = new MemoryStorage(), clock = new VirtualClock()) {
  const failed = (error: unknown): never => {
    throw error;
  };
  const engine = createEngine({ storage, clock, log: silentLogger, cacheBytes: 1e6, failed });
  return { storage, clock, engine };
}

async function grant(engine: Engine, id: bigint, ttl: number, ...keys: string[]): Promise<void> {
  await engine.queue.submit((draft) => draft.grantLease(id, ttl));
  for (const key of keys) await engine.queue.submit((draft) => draft.put(key, value, id));
  engine.expiry.reschedule();
}

const live = (engine: Engine, ...keys: string[]): string[] => keys.filter((key) => engine.store.tree.get(key)?.live);

describe('LeaseExpiry', () => {
  test('deletes the keys of a lease when its time is over, at one revision', async () => {
    const { engine, clock } = open();
    await grant(engine, 1n, 10, 'a', 'b');
    await grant(engine, 2n, 20, 'c');
    const before = engine.store.revision;
    await clock.advance(9_999);
    expect(live(engine, 'a', 'b', 'c')).toEqual(['a', 'b', 'c']);
    await clock.advance(2);
    expect(live(engine, 'a', 'b', 'c')).toEqual(['c']);
    expect(engine.store.revision).toBe(before + 1);
    expect(engine.store.leases.get(1n)).toBeUndefined();
    await clock.advance(10_000);
    expect(live(engine, 'a', 'b', 'c')).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends leases that fall due together in one commit', async () => {
    const { engine, clock, storage } = open();
    for (const id of [1n, 2n, 3n]) await grant(engine, id, 10, `k${id}`);
    const { commits } = storage;
    const before = engine.store.revision;
    await clock.advance(10_001);
    expect(live(engine, 'k1', 'k2', 'k3')).toEqual([]);
    expect(storage.commits).toBe(commits + 1);
    expect(engine.store.revision).toBe(before + 3);
  });

  test('a lease that was kept alive lives on, and one that comes sooner is not missed', async () => {
    const { engine, clock } = open();
    await grant(engine, 1n, 10, 'long');
    await clock.advance(8000);
    await engine.queue.submit((draft) => draft.renewLease(1n));
    await grant(engine, 2n, 3, 'short');
    await clock.advance(4000);
    expect(live(engine, 'long', 'short')).toEqual(['long']);
    await clock.advance(6001);
    expect(live(engine, 'long')).toEqual([]);
  });

  test('a restart neither prolongs nor shortens a lease', async () => {
    const { engine, clock, storage } = open();
    await grant(engine, 1n, 100, 'a');
    await clock.advance(60_000);
    await engine[Symbol.asyncDispose]();
    expect(clock.pendingTimers).toBe(0);
    const again = open(storage, clock);
    await clock.advance(39_000);
    expect(live(again.engine, 'a')).toEqual(['a']);
    await clock.advance(1_001);
    expect(live(again.engine, 'a')).toEqual([]);
    expect([...storage.leases()]).toEqual([]);
  });

  test('is tried again when the disk is full', async () => {
    const { engine, clock, storage } = open();
    await grant(engine, 1n, 10, 'a');
    storage.failure = new StorageFull('no space left');
    await clock.advance(10_001);
    expect(live(engine, 'a')).toEqual(['a']);
    expect(engine.store.leases.get(1n)?.keys.has('a')).toBe(true);
    await clock.advance(1001);
    expect(live(engine, 'a')).toEqual([]);
  });
});
