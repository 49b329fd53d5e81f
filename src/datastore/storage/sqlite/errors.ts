import { K3sError, systemErrorCode } from '../../../core/errors.ts';
import { InconsistentRecords, StorageFull } from '../storage.ts';

/** The file is not what we can work with. It is left as it is. */
export function unusable(file: string, error: unknown): unknown {
  if (error instanceof InconsistentRecords) return damaged(file, error.message);
  const code = systemErrorCode(error) ?? '';
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT'))
    return damaged(file, error instanceof Error ? error.message : String(error), error);
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code === 'SQLITE_PERM') {
    return new K3sError('K3S_DATASTORE_OPEN', `cannot open the database ${file}`, {
      cause: error,
      fields: { file },
      hint: 'Check that its directory exists, is writable and is on a file system that is mounted for writing.',
    });
  }
  return error;
}

export function damaged(file: string, what: string, cause?: unknown): K3sError {
  return new K3sError('K3S_DATASTORE_CORRUPT', `the database ${file} is damaged: ${what}`, {
    cause,
    fields: { file },
    hint: 'Nothing was changed. Restore it from a backup, or move it away to start with an empty cluster.',
  });
}

/** SQLite says FULL only if the transaction was not committed. */
export function commitError(error: unknown): unknown {
  return systemErrorCode(error) === 'SQLITE_FULL' ? new StorageFull('no space left', { cause: error }) : error;
}
