/** What an error is about, for people and for programs: `K3S_<AREA>_<WHAT>`, listed in docs/errors.md. */
export type ErrorCode = `K3S_${string}`;

export interface K3sErrorOptions {
  /** Values that the message speaks of: file names, addresses, limits. Never secrets. */
  fields?: Readonly<Record<string, unknown>>;
  cause?: unknown;
  /** Whether doing the same again may succeed without anybody's help. Default false. */
  retryable?: boolean;
  /** What the reader can do about it; a full sentence. */
  hint?: string;
}

/**
 * An error as data. The message says what happened and to which input; the hint says what to do.
 * Thrown at the edge where the cause is known and shown once, at the boundary that handles it.
 */
export class K3sError extends Error {
  override readonly name = 'K3sError';
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: K3sErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
    this.retryable = options.retryable ?? false;
    this.hint = options.hint;
  }
}

/** One line for a log or a terminal: message, causes and hint, without stack traces. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let hint: string | undefined;
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    const text = current instanceof Error ? current.message || current.name : textOf(current);
    if (parts.at(-1)?.includes(text) !== true) parts.push(text);
    if (current instanceof K3sError) hint ??= current.hint;
    current = current instanceof Error ? current.cause : undefined;
  }
  const code = error instanceof K3sError ? ` (${error.code})` : '';
  return `${parts.join(': ')}${code}${hint === undefined ? '' : `. ${hint}`}`;
}

function textOf(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? 'unknown error');
}

/** Node's error code (`ENOENT`, `EADDRINUSE`, …) or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
