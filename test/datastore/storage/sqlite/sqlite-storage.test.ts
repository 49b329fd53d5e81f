import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { seededRandom } from '../../../../src/core/random.ts';
import { SqliteStorage } from '../../../../src/datastore/storage/sqlite/sqlite-storage.ts';
import { StorageFull, type Commit } from '../../../../src/datastore/storage/storage.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sqlite-storage-'));
  file = join(directory, 'state.db');
});
afterEach(() => rm(directory, { recursive: true }));

const open = (): SqliteStorage => SqliteStorage.open(file, seededRandom(1));
const nothing: Commit = { keys: [], changes: [], leases: new Map(), compactRevision: undefined };

function put(id: number, value: Uint8Array = Buffer.from(`value ${id}`)): Commit {
  const change = { id, revision: id + 1, keyId: id, createRevision: id + 1, version: 1, lease: 0n };
  return { ...nothing, keys: [{ id, key: `key/${id}` }], changes: [{ change, value }] };
}

describe('SqliteStorage', () => {
  test('gives back what was committed, exactly, after it was closed and opened', async () => {
    const lease = { id: 2n ** 62n + 1n, ttl: 60, expiresAt: 1_700_000_000_123 };
    const change = { id: 3, revision: 5, keyId: 2, createRevision: 4, version: 7, lease: lease.id };
    const deletion = { id: 4, revision: 6, keyId: 2, createRevision: 0, version: 0, lease: 0n };
    const binary = Buffer.from([0, 255, 128]);
    {
      await using storage = open();
      await storage.commit({
        keys: [{ id: 2, key: 'a\0\xff' }],
        changes: [
          { change, value: binary },
          { change: deletion, value: Buffer.alloc(0) },
        ],
        leases: new Map([[lease.id, lease]]),
        compactRevision: 3,
      });
    }
    await using storage = open();
    expect([...storage.keys()]).toEqual([{ id: 2, key: 'a\0\xff' }]);
    expect([...storage.changes()]).toMatchObject([change, deletion]);
    expect([...storage.leases()]).toEqual([lease]);
    expect(storage.compactRevision).toBe(3);
    expect(Buffer.from(storage.value(3))).toEqual(binary);
    expect(() => storage.value(4)).toThrow('the value of change 4 is missing');
  });

  test('replaces and removes leases', async () => {
    await using storage = open();
    const lease = (ttl: number) => ({ id: 5n, ttl, expiresAt: ttl });
    await storage.commit({ ...nothing, leases: new Map([[5n, lease(1)]]) });
    await storage.commit({ ...nothing, leases: new Map([[5n, lease(2)]]) });
    expect([...storage.leases()]).toEqual([lease(2)]);
    await storage.commit({ ...nothing, leases: new Map([[5n, undefined]]) });
    expect([...storage.leases()]).toEqual([]);
  });

  test('erases changes with their values, and keys', async () => {
    await using storage = open();
    for (const id of [1, 2, 3]) await storage.commit(put(id));
    await storage.erase({ changeIds: [1, 2], keyIds: [1] });
    expect([...storage.changes()].map(({ id }) => id)).toEqual([3]);
    expect([...storage.keys()].map(({ id }) => id)).toEqual([2, 3]);
    expect(() => storage.value(1)).toThrow('missing');
  });

  test('keeps its identity, which differs between databases and is never 0', async () => {
    const first = open();
    const { identity } = first;
    await first[Symbol.asyncDispose]();
    await using again = open();
    expect(again.identity).toEqual(identity);
    await using other = SqliteStorage.open(join(directory, 'other.db'), seededRandom(2));
    expect(other.identity.clusterId).not.toBe(identity.clusterId);
    expect(Object.values(identity).every((id) => id > 0 && Number.isSafeInteger(id))).toBe(true);
  });

  test('lets nobody else read the file', async () => {
    await using storage = open();
    await storage.commit(put(1));
    for (const suffix of ['', '-wal', '-shm']) expect((await stat(file + suffix)).mode & 0o777).toBe(0o600);
  });

  test('a commit either happens whole or not at all', async () => {
    await using storage = open();
    await storage.commit(put(1));
    const repeated = { ...put(2), changes: [...put(2).changes, ...put(1).changes] };
    await expect(storage.commit(repeated)).rejects.toThrow();
    expect([...storage.keys()].map(({ id }) => id)).toEqual([1]);
  });

  test('a full disk is told apart from other errors, and the storage works on when there is space', async () => {
    const pragma = vi.spyOn(Database.prototype, 'pragma');
    await using storage = open();
    const connection = pragma.mock.contexts.find(
      (context): context is Database.Database => context instanceof Database && context.name === file,
    );
    pragma.mockRestore();
    await storage.commit(put(1));
    // SQLite refuses to grow beyond a page limit with the error that it has for a full disk.
    connection?.pragma(`max_page_count = ${storage.size().total / 4096 + 4}`);
    await expect(storage.commit(put(2, Buffer.alloc(100_000)))).rejects.toBeInstanceOf(StorageFull);
    expect(Buffer.from(storage.value(1)).toString()).toBe('value 1');
    await storage.commit(put(3));
    connection?.pragma('max_page_count = 1000000');
    await storage.commit(put(2, Buffer.alloc(100_000)));
    expect(storage.value(2)).toHaveLength(100_000);
  });
});

describe('opening a database that cannot be used', () => {
  test('refuses one that another holds, naming the process', async () => {
    await using storage = open();
    expect(open).toThrow(
      expect.objectContaining({
        code: 'K3S_DATASTORE_LOCKED',
        message: `the database ${file} is in use by this process`,
      }),
    );
    expect([...storage.keys()]).toEqual([]);
  });

  test('names another process by its id', async () => {
    const lock = new Database(`${file}.lock`);
    lock.exec('CREATE TABLE holder (only_row INTEGER PRIMARY KEY, pid INTEGER NOT NULL)');
    lock.exec('INSERT INTO holder VALUES (1, 4711); BEGIN IMMEDIATE');
    expect(open).toThrow(expect.objectContaining({ message: `the database ${file} is in use by process 4711` }));
    lock.close();
    await open()[Symbol.asyncDispose]();
  });

  test('says so while another process is still taking the lock', () => {
    const lock = new Database(`${file}.lock`);
    lock.exec('BEGIN EXCLUSIVE; CREATE TABLE unrelated (x)');
    expect(open).toThrow(expect.objectContaining({ message: `the database ${file} is in use by another process` }));
    lock.close();
  });

  const makeAndClose = async (): Promise<void> => {
    await using storage = open();
    for (let id = 1; id <= 50; id++) await storage.commit(put(id, Buffer.alloc(3000, id)));
  };

  test.each([
    ['garbage', (content: Buffer) => content.fill(0x5a)],
    ['a damaged header', (content: Buffer) => content.fill(0xff, 0, 16)],
    ['damaged pages', (content: Buffer) => content.fill(0x13, 4096)],
  ])('reports %s as damage and changes nothing', async (_, damage) => {
    await makeAndClose();
    const content = damage(await readFile(file));
    await writeFile(file, content);
    expect(open).toThrow(expect.objectContaining({ code: 'K3S_DATASTORE_CORRUPT' }));
    expect((await readFile(file)).equals(content)).toBe(true);
  });

  test('reports a file that has been cut short', async () => {
    await makeAndClose();
    await truncate(file, 16_384);
    expect(open).toThrow(expect.objectContaining({ code: 'K3S_DATASTORE_CORRUPT' }));
  });

  test('reports a log whose database is gone instead of dropping it', async () => {
    await writeFile(`${file}-wal`, Buffer.alloc(5000, 1));
    expect(open).toThrow(expect.objectContaining({ code: 'K3S_DATASTORE_CORRUPT' }));
    expect((await stat(`${file}-wal`)).size).toBe(5000);
  });

  test('checks every page after a run that did not end properly', async () => {
    await makeAndClose();
    const content = await readFile(file);
    const largest = content.length - 4096 * 3;
    await writeFile(file, content.fill(0x77, largest, largest + 4096));
    await writeFile(`${file}-wal`, Buffer.alloc(32));
    expect(open).toThrow(expect.objectContaining({ code: 'K3S_DATASTORE_CORRUPT' }));
  });

  test.each([
    ['kine', 'CREATE TABLE kine (id INTEGER PRIMARY KEY)', 'K3S_DATASTORE_KINE'],
    ['another program', 'CREATE TABLE other (id INTEGER PRIMARY KEY)', 'K3S_DATASTORE_FOREIGN'],
    [
      'a newer release',
      'PRAGMA application_id = 1798534259; PRAGMA user_version = 99; CREATE TABLE state (x)',
      'K3S_DATASTORE_SCHEMA',
    ],
  ])('refuses a database of %s, without touching it', async (_, sql, code) => {
    // Left open, as by a program that was killed, so that its log is there as well.
    const database = new Database(file);
    database.pragma('journal_mode = WAL');
    database.exec(sql);
    const content = await Promise.all(['', '-wal'].map((suffix) => readFile(file + suffix)));
    expect(open).toThrow(expect.objectContaining({ code }));
    const after = await Promise.all(['', '-wal'].map((suffix) => readFile(file + suffix)));
    expect(after.map((each, at) => each.equals(content[at] as Buffer))).toEqual([true, true]);
    database.close();
  });

  test('creates anew what a run left that was killed while it created it', async () => {
    const database = new Database(file);
    database.pragma('journal_mode = WAL');
    database.close();
    await using storage = open();
    await storage.commit(put(1));
    expect([...storage.keys()]).toHaveLength(1);
  });

  test('says where it cannot write', () => {
    file = join(directory, 'missing', 'state.db');
    expect(open).toThrow(expect.objectContaining({ code: 'K3S_DATASTORE_OPEN' }));
  });

  test('a database that was refused is not left locked', async () => {
    await writeFile(file, 'this is not a database, and longer than a header of one hundred bytes '.repeat(3));
    expect(open).toThrow(expect.objectContaining({ code: 'K3S_DATASTORE_CORRUPT' }));
    await rm(file);
    await open()[Symbol.asyncDispose]();
  });
});
