import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { K3sError } from '../../../core/errors.ts';
import type { Random } from '../../../core/random.ts';
import { damaged } from './errors.ts';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** Opens the database, creating it if there is none. Throws without having changed a file that is not ours or is damaged. */
export function openDatabase(file: string, random: Random): Database.Database {
  const isNew = bytesIn(file) === 0;
  // A log beside the database means that the last run did not end properly.
  const interrupted = bytesIn(`${file}-wal`) > 0;
  // SQLite would drop the log.
  if (isNew && interrupted) throw damaged(file, 'it is empty or missing, but its log (-wal) is there');
  if (isNew) {
    // The cluster's secrets will be in it. SQLite gives its other files the mode of this one.
    closeSync(openSync(file, 'a', 0o600));
  } else examine(file, interrupted);
  // Somebody who looks into the file with other tools is waited for; no server is, because of the lock.
  const connection = new Database(file, { timeout: 5000 });
  try {
    if (isEmpty(connection)) create(connection, random);
    configure(connection);
    if (isNew) syncDirectory(dirname(file));
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function configure(connection: Database.Database): void {
  connection.pragma('journal_mode = WAL');
  // Every commit is on disk before it is acknowledged.
  connection.pragma('synchronous = FULL');
  // Checkpoints are made between commits, by `maintain`.
  connection.pragma('wal_autocheckpoint = 0');
  connection.pragma('temp_store = MEMORY');
  // Pages are read once, values are cached by the store; what is written needs a few pages only.
  connection.pragma('cache_size = -4096');
}

function bytesIn(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function isEmpty(connection: Database.Database): boolean {
  return connection.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
}

function create(connection: Database.Database, random: Random): void {
  connection.pragma('auto_vacuum = INCREMENTAL');
  connection.pragma('journal_mode = WAL');
  const identifier = (): number => 1 + Math.floor(random.next() * 2 ** 52);
  connection.transaction(() => {
    connection.exec(SCHEMA);
    connection.prepare('INSERT INTO state VALUES (1, ?, ?, 0)').run(identifier(), identifier());
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    connection.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

/** Throws what speaks against using the file, through a connection that cannot change it. */
function examine(file: string, interrupted: boolean): void {
  const connection = new Database(file, { readonly: true, timeout: 5000 });
  try {
    // What a run has left that ended while it created the database.
    if (isEmpty(connection)) return;
    if (connection.pragma('application_id', { simple: true }) !== APPLICATION_ID) throw foreign(connection, file);
    const version = Number(connection.pragma('user_version', { simple: true }));
    if (version !== SCHEMA_VERSION) throw unknownSchema(file, version);
    // Reads the whole file, so it is done only when there is reason to doubt it.
    const finding: unknown = interrupted ? connection.pragma('quick_check(1)', { simple: true }) : 'ok';
    if (finding !== 'ok') throw damaged(file, String(finding));
  } finally {
    connection.close();
  }
}

function unknownSchema(file: string, version: number): K3sError {
  const message = `the database ${file} has schema ${version}; known is ${SCHEMA_VERSION}`;
  return new K3sError('K3S_DATASTORE_SCHEMA', message, {
    fields: { file, version },
    hint: 'It was written by a newer release: use that one.',
  });
}

function foreign(connection: Database.Database, file: string): K3sError {
  const kine = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'kine'").get() !== undefined;
  const message = kine
    ? `the database ${file} was written by kine (k3s), whose format is another`
    : `the file ${file} is a database of another program`;
  return new K3sError(kine ? 'K3S_DATASTORE_KINE' : 'K3S_DATASTORE_FOREIGN', message, {
    fields: { file },
    hint: 'Nothing was changed. Use another data directory.',
  });
}

/** A new file survives a power failure only if its directory does. */
function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
