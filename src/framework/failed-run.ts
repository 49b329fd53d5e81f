import { K3sError } from '../core/errors.ts';
import { ApiError } from '../cluster/api-error.ts';
import { RetryableError, TerminalError } from './outcome.ts';
import type { FailedRun } from './reconcile-record.ts';

/** What a thrown value means for its key. Everything but a TerminalError is worth another try. */
export function failedRun(thrown: unknown): FailedRun {
  const error = thrown instanceof Error ? thrown : new Error(`a reconcile threw ${JSON.stringify(thrown)}`);
  return {
    type: 'failed',
    error,
    code: error instanceof K3sError ? error.code : 'K3S_CONTROLLER_UNEXPECTED',
    retry: !(error instanceof TerminalError),
    after: minimumWait(error),
  };
}

function minimumWait(error: Error): number | undefined {
  if (error instanceof RetryableError && error.after !== undefined) return error.after;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApiError && cause.retryAfter !== undefined) return cause.retryAfter;
  }
  return undefined;
}
