import Database from 'better-sqlite3';
import { K3sError, systemErrorCode } from '../../../core/errors.ts';
import { unusable } from './errors.ts';

/**
 * Makes sure that one process at a time uses a database: it keeps a write transaction open in a small database beside it, whose
 * lock the kernel drops when the process ends, however it ends. The holder's process id stands in that database, readable for
 * whoever is refused.
 */
export class DatabaseLock implements Disposable {
  readonly #connection: Database.Database;

  private constructor(connection: Database.Database) {
    this.#connection = connection;
  }

  /** Throws K3S_DATASTORE_LOCKED, naming the holder, if another process (or another part of this one) has the lock. */
  static acquire(file: string): DatabaseLock {
    const lockFile = `${file}.lock`;
    try {
      return DatabaseLock.#acquire(file, new Database(lockFile, { timeout: 0 }));
    } catch (error) {
      throw unusable(lockFile, error);
    }
  }

  static #acquire(file: string, connection: Database.Database): DatabaseLock {
    try {
      connection.exec('CREATE TABLE IF NOT EXISTS holder (only_row INTEGER PRIMARY KEY, pid INTEGER NOT NULL)');
      connection.prepare('INSERT OR REPLACE INTO holder VALUES (1, ?)').run(process.pid);
      connection.exec('BEGIN IMMEDIATE');
      return new DatabaseLock(connection);
    } catch (error) {
      const refusal = systemErrorCode(error) === 'SQLITE_BUSY' ? lockedBy(file, holderOf(connection)) : error;
      connection.close();
      throw refusal;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

function holderOf(connection: Database.Database): number | undefined {
  try {
    const pid: unknown = connection.prepare('SELECT pid FROM holder').pluck().get();
    return typeof pid === 'number' ? pid : undefined;
  } catch {
    return undefined;
  }
}

function lockedBy(file: string, pid: number | undefined): K3sError {
  const holder = pid === process.pid ? 'this process' : pid === undefined ? 'another process' : `process ${pid}`;
  return new K3sError('K3S_DATASTORE_LOCKED', `the database ${file} is in use by ${holder}`, {
    fields: { file, pid },
    hint: 'Stop the other server, or give this one a data directory of its own.',
  });
}
