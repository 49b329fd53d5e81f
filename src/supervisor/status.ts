import { breakOff, closeAfter, endWith, type HttpResponse } from './http.ts';

/** A Kubernetes `Status` of kind failure, as every Kubernetes client reads it. */
export interface Failure {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  /** Seconds after which clients may send the same request again; sent only where a repetition is harmless. */
  readonly retryAfter?: number;
}

export const UNAUTHORIZED: Failure = { code: 401, reason: 'Unauthorized', message: 'Unauthorized' };

export const API_SERVER_NOT_READY: Failure = {
  code: 503,
  reason: 'ServiceUnavailable',
  message: 'apiserver not ready',
  retryAfter: 1,
};

/** The request may or may not have been carried out, so no `retryAfter`: clients would repeat it unasked. */
export const API_SERVER_LOST: Failure = {
  code: 503,
  reason: 'ServiceUnavailable',
  message: 'the connection to the apiserver was lost before it answered',
};

export const TOO_MANY_REQUESTS: Failure = {
  code: 429,
  reason: 'TooManyRequests',
  message: 'Too many requests, please try again later.',
  retryAfter: 1,
};

export const badRequest = (message: string): Failure => ({ code: 400, reason: 'BadRequest', message });

export const CANNOT_BE_FORWARDED = badRequest(
  'the request target or a header cannot be passed on to the apiserver unchanged',
);

export const forbidden = (user: string, path: string): Failure => ({
  code: 403,
  reason: 'Forbidden',
  message: `forbidden: User "${user}" has no role that may use path "${path}"`,
});

export const methodNotAllowed = (method: string): Failure => ({
  code: 405,
  reason: 'MethodNotAllowed',
  message: `the server does not allow the method ${method} on this path`,
});

/** The headers and the JSON text of a failure's response. */
export function renderFailure(failure: Failure): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: failure.message,
    reason: failure.reason,
    ...(failure.retryAfter === undefined ? {} : { details: { retryAfterSeconds: failure.retryAfter } }),
    code: failure.code,
  });
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-cache, private',
  };
  if (failure.retryAfter !== undefined) headers['retry-after'] = String(failure.retryAfter);
  return { headers, body };
}

/**
 * Answers with a failure and ends the connection after it: the rest of a refused request's body is not worth receiving, and a
 * client that came while kube-apiserver was away may be let through to it next time. A response that has begun is cut off.
 */
export function sendFailure(response: HttpResponse, failure: Failure): void {
  if (response.headersSent) {
    breakOff(response);
    return;
  }
  const { headers, body } = renderFailure(failure);
  response.statusCode = failure.code;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  closeAfter(response);
  endWith(response, body);
}
