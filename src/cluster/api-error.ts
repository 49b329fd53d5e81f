import { K3sError } from '../core/errors.ts';

/** The `Status` object that the API server sends with a failure. */
export interface ApiStatus {
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    group?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

/** A failure that the API server answered with. `retryAfter` is in milliseconds. */
export class ApiError extends K3sError {
  readonly status: number;
  readonly reason: string;
  readonly details: ApiStatus['details'];
  readonly retryAfter: number | undefined;

  constructor(status: number, body: ApiStatus, request: { method: string; path: string }, retryAfter?: number) {
    super(
      'K3S_API_REQUEST',
      `${request.method} ${request.path}: ${body.message ?? `the API server answered ${status}`}`,
      {
        fields: { status, reason: body.reason, ...request },
        retryable: status === 409 || status === 429 || status >= 500,
      },
    );
    this.status = status;
    this.reason = body.reason ?? '';
    this.details = body.details;
    this.retryAfter =
      retryAfter ?? (body.details?.retryAfterSeconds === undefined ? undefined : body.details.retryAfterSeconds * 1000);
  }
}

const hasStatus =
  (status: number, reason?: string) =>
  (error: unknown): error is ApiError =>
    error instanceof ApiError && error.status === status && (reason === undefined || error.reason === reason);

export const isNotFound = hasStatus(404);
export const isConflict = hasStatus(409, 'Conflict');
export const isAlreadyExists = hasStatus(409, 'AlreadyExists');
/** The resource version asked for has been compacted away; list again. */
export const isGone = hasStatus(410);
export const isForbidden = hasStatus(403);
export const isUnauthorized = hasStatus(401);
export const isInvalid = hasStatus(422);
export const isTooManyRequests = hasStatus(429);

/** The error of a request that got no answer: refused, reset, timed out or unresolvable. */
export function unreachable(server: string, request: { method: string; path: string }, cause?: unknown): K3sError {
  return new K3sError('K3S_API_UNREACHABLE', `${request.method} ${request.path}: ${server} does not answer`, {
    fields: { server, ...request },
    cause,
    retryable: true,
    hint: 'Check that the API server is running and that its address is right.',
  });
}
