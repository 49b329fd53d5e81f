import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/core/random.ts';
import { SqliteStorage } from '../../../../src/datastore/storage/sqlite/sqlite-storage.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upkeep-'));
  file = join(directory, 'state.db');
});
afterEach(() => rm(directory, { recursive: true }));

const PAGE = 4096;

async function fill(storage: SqliteStorage, from: number, to: number): Promise<void> {
  const changes = ids(from, to).map((id) => ({
    change: { id, revision: id + 1, keyId: 1, createRevision: 2, version: id, lease: 0n },
    value: Buffer.alloc(40_000, id),
  }));
  await storage.commit({ keys: [], changes, leases: new Map(), compactRevision: undefined });
}

const ids = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

async function maintainAll(storage: SqliteStorage): Promise<number> {
  let steps = 1;
  while (await storage.maintain()) steps++;
  return steps;
}

describe('the upkeep of a SQLite database', () => {
  test('moves the log into the database when it has grown, so that it is used again from its start', async () => {
    await using storage = SqliteStorage.open(file, seededRandom(1));
    for (let round = 0; round < 6; round++) {
      await fill(storage, round * 100 + 1, round * 100 + 100);
      await storage.maintain();
    }
    // 24 MB were written.
    expect((await stat(`${file}-wal`)).size).toBeLessThan(16 * 1024 * 1024);
    expect((await stat(file)).size).toBeGreaterThan(12 * 1024 * 1024);
  });

  test('gives freed space back in small steps, keeping some for new data', async () => {
    await using storage = SqliteStorage.open(file, seededRandom(1));
    await fill(storage, 1, 600);
    const before = storage.size();
    await storage.erase({ changeIds: ids(1, 590), keyIds: [] });
    expect(storage.size().total).toBe(before.total);
    expect(storage.size().inUse).toBeLessThan(before.inUse / 10);
    expect(await maintainAll(storage)).toBeGreaterThan(20);
    const { total, inUse } = storage.size();
    expect(total - inUse).toBeLessThanOrEqual(1024 * PAGE);
    expect(total - inUse).toBeGreaterThan(900 * PAGE);
    expect(storage.value(600)[0]).toBe(600 % 256);
  });

  test('gives everything back when defragmentation is asked for', async () => {
    await using storage = SqliteStorage.open(file, seededRandom(1));
    await fill(storage, 1, 200);
    await storage.erase({ changeIds: ids(1, 199), keyIds: [] });
    storage.requestDefragmentation();
    await maintainAll(storage);
    const { total, inUse } = storage.size();
    expect(inUse).toBe(total);
    expect((await stat(file)).size).toBe(total);
    expect((await stat(`${file}-wal`)).size).toBe(0);
    expect(await maintainAll(storage)).toBe(1);
  });
});
