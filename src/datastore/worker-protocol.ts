import { K3sError, describeError, type ErrorCode } from '../core/errors.ts';
import type { LogFields, LogLevel } from '../core/log.ts';

/** What the worker thread is started with. */
export interface WorkerInput {
  readonly file: string;
  readonly socket: string;
}

/** From the worker thread. */
export type WorkerMessage =
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string; readonly fields: LogFields }
  | { readonly kind: 'serving' }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** To the worker thread: the only thing that it is ever told. */
export const CLOSE = 'close';

/** A K3sError in a form that passes between threads. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause: string | undefined;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly fields: LogFields;
}

export function toPlain(error: unknown): PlainError {
  if (!(error instanceof K3sError)) {
    return {
      code: 'K3S_DATASTORE_FAILED',
      message: 'the datastore failed',
      cause: describeError(error),
      hint: undefined,
      retryable: false,
      fields: {},
    };
  }
  const { code, message, hint, retryable, fields } = error;
  const cause = error.cause === undefined ? undefined : describeError(error.cause);
  return { code, message, cause, hint, retryable, fields };
}

export function fromPlain({ code, message, cause, hint, retryable, fields }: PlainError): K3sError {
  return new K3sError(code, message, {
    fields,
    retryable,
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
    ...(hint === undefined ? {} : { hint }),
  });
}
