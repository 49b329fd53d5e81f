import { K3sError, systemErrorCode } from '../../../core/errors.ts';
import { InconsistentRecords, StorageFull } from '../storage.ts';

/** Says what keeps a database from being opened. The file is left as it is. */
export function unusable(file: string, error: unknown): K3sError {
  if (error instanceof K3sError) return error;
  if (error instanceof InconsistentRecords) return damaged(file, error.message);
  const code = systemErrorCode(error) ?? '';
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return damaged(file, error instanceof Error ? error.message : code);
  }
  return new K3sError('K3S_DATASTORE_OPEN', `cannot open the database ${file}`, {
    cause: error,
    fields: { file },
    hint: 'Check that its directory exists and is writable, and that the disk is neither full nor failing.',
  });
}

export function damaged(file: string, what: string): K3sError {
  return new K3sError('K3S_DATASTORE_CORRUPT', `the database ${file} is damaged: ${what}`, {
    fields: { file },
    hint: 'Nothing was changed. Restore it from a backup, or move it away to start with an empty cluster.',
  });
}

/** SQLite says FULL only if the transaction was not committed. */
export function commitError(error: unknown): unknown {
  return systemErrorCode(error) === 'SQLITE_FULL' ? new StorageFull('no space left', { cause: error }) : error;
}
