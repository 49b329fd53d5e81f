import type Database from 'better-sqlite3';
import type { Random } from '../../../core/random.ts';
import {
  InconsistentRecords,
  type Commit,
  type Erasure,
  type Storage,
  type StorageSize,
  type StoredChange,
  type StoredIdentity,
  type StoredKey,
  type StoredLease,
} from '../storage.ts';
import { commitError, unusable } from './errors.ts';
import { DatabaseLock } from './lock.ts';
import { openDatabase } from './open.ts';
import { Upkeep } from './upkeep.ts';

interface StateRow {
  cluster_id: number;
  member_id: number;
  compact_revision: number;
}

/** The storage on one SQLite file, used by this process alone. Statements run on the calling thread. */
export class SqliteStorage implements Storage {
  readonly identity: StoredIdentity;
  readonly compactRevision: number;
  readonly #lock: DatabaseLock;
  readonly #database: Database.Database;
  readonly #upkeep: Upkeep;
  readonly #readValue: Database.Statement<[number], Buffer>;
  readonly #commit: (commit: Commit) => void;
  readonly #erase: (erasure: Erasure) => void;

  /** Throws K3S_DATASTORE_* errors that say what is wrong with the file. */
  static open(file: string, random: Random): SqliteStorage {
    const lock = DatabaseLock.acquire(file);
    try {
      return new SqliteStorage(lock, openDatabase(file, random));
    } catch (error) {
      lock[Symbol.dispose]();
      throw unusable(file, error);
    }
  }

  private constructor(lock: DatabaseLock, database: Database.Database) {
    this.#lock = lock;
    this.#database = database;
    this.#upkeep = new Upkeep(database);
    const state = database.prepare<[], StateRow>('SELECT * FROM state').get();
    if (state === undefined) throw new InconsistentRecords('the state row is missing');
    this.identity = { clusterId: state.cluster_id, memberId: state.member_id };
    this.compactRevision = state.compact_revision;
    this.#readValue = database.prepare<[number], Buffer>('SELECT data FROM value WHERE change = ?').pluck();
    this.#commit = prepareCommit(database);
    this.#erase = prepareErase(database);
  }

  *keys(): Iterable<StoredKey> {
    const rows = this.#database.prepare<[], { id: number; name: Buffer }>('SELECT id, name FROM key').iterate();
    for (const { id, name } of rows) yield { id, key: name.toString('latin1') };
  }

  *changes(): Iterable<StoredChange> {
    // As text, because a lease id may be any 64-bit number.
    const rows = this.#database
      .prepare<[], StoredChange & { leaseText: string | null }>(
        `SELECT id, revision, key AS keyId, create_revision AS createRevision, version, CAST(lease AS TEXT) AS leaseText
         FROM change ORDER BY id`,
      )
      .iterate();
    for (const row of rows) yield { ...row, lease: row.leaseText === null ? 0n : BigInt(row.leaseText) };
  }

  *leases(): Iterable<StoredLease> {
    const rows = this.#database
      .prepare<[], { id: string; ttl: number; expiresAt: number }>(
        'SELECT CAST(id AS TEXT) AS id, ttl, expires_at AS expiresAt FROM lease',
      )
      .iterate();
    for (const { id, ttl, expiresAt } of rows) yield { id: BigInt(id), ttl, expiresAt };
  }

  value(changeId: number): Uint8Array {
    const value = this.#readValue.get(changeId);
    if (value === undefined) throw new InconsistentRecords(`the value of change ${changeId} is missing`);
    return value;
  }

  async commit(commit: Commit): Promise<void> {
    try {
      this.#commit(commit);
    } catch (error) {
      throw commitError(error);
    }
  }

  async erase(erasure: Erasure): Promise<void> {
    try {
      this.#erase(erasure);
    } catch (error) {
      throw commitError(error);
    }
  }

  async maintain(): Promise<boolean> {
    try {
      return this.#upkeep.step();
    } catch (error) {
      throw commitError(error);
    }
  }

  requestDefragmentation(): void {
    this.#upkeep.requestDefragmentation();
  }

  size(): StorageSize {
    return this.#upkeep.size();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Moves the log into the database and removes it, which marks a proper end.
    this.#database.close();
    this.#lock[Symbol.dispose]();
  }
}

function prepareCommit(database: Database.Database): (commit: Commit) => void {
  const addKey = database.prepare<[number, Buffer]>('INSERT INTO key VALUES (?, ?)');
  const addChange = database.prepare<[number, number, number, number, number, bigint | null]>(
    'INSERT INTO change VALUES (?, ?, ?, ?, ?, ?)',
  );
  const addValue = database.prepare<[number, Uint8Array]>('INSERT INTO value VALUES (?, ?)');
  const setLease = database.prepare<[bigint, number, number]>('INSERT OR REPLACE INTO lease VALUES (?, ?, ?)');
  const removeLease = database.prepare<[bigint]>('DELETE FROM lease WHERE id = ?');
  const setCompactRevision = database.prepare<[number]>('UPDATE state SET compact_revision = ?');
  const run = database.transaction((commit: Commit) => {
    for (const { id, key } of commit.keys) addKey.run(id, Buffer.from(key, 'latin1'));
    for (const { change, value } of commit.changes) {
      const { id, revision, keyId, createRevision, version, lease } = change;
      addChange.run(id, revision, keyId, createRevision, version, lease === 0n ? null : lease);
      if (version > 0) addValue.run(id, value);
    }
    for (const [id, lease] of commit.leases) {
      if (lease === undefined) removeLease.run(id);
      else setLease.run(id, lease.ttl, Math.round(lease.expiresAt));
    }
    if (commit.compactRevision !== undefined) setCompactRevision.run(commit.compactRevision);
  });
  return (commit) => run.immediate(commit);
}

function prepareErase(database: Database.Database): (erasure: Erasure) => void {
  const removeChange = database.prepare<[number]>('DELETE FROM change WHERE id = ?');
  const removeValue = database.prepare<[number]>('DELETE FROM value WHERE change = ?');
  const removeKey = database.prepare<[number]>('DELETE FROM key WHERE id = ?');
  const run = database.transaction(({ changeIds, keyIds }: Erasure) => {
    for (const id of changeIds) {
      removeChange.run(id);
      removeValue.run(id);
    }
    for (const id of keyIds) removeKey.run(id);
  });
  return (erasure) => run.immediate(erasure);
}
