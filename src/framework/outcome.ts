import { K3sError, type ErrorCode, type K3sErrorOptions } from '../core/errors.ts';
import type { KubernetesObject, ObjectRef } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';

/**
 * How a run ends, and what that does to its key:
 *
 * | ends with                   | back-off | the key runs again                                                       |
 * |-----------------------------|----------|--------------------------------------------------------------------------|
 * | `done()`                    | cleared  | on the next change, else at the resync                                   |
 * | `requeue(after, reason)`    | cleared  | on the next change, else after `after`                                   |
 * | `waitFor(…)`                | cleared  | when the predicate holds or on the next change, else at `timeout` or resync |
 * | `RetryableError`, any error | grows    | on the next change, else after the back-off (at least `after`)           |
 * | `TerminalError`             | cleared  | on the next change, else at the resync                                   |
 *
 * A change while the key backs off runs it at once but neither shortens nor lengthens the back-off.
 */
export type Outcome =
  | { readonly type: 'done' }
  | { readonly type: 'requeue'; readonly after: number; readonly reason: string }
  | {
      readonly type: 'wait';
      readonly resource: Resource;
      readonly ref: ObjectRef;
      readonly holds: (object: KubernetesObject | undefined) => boolean;
      readonly reason: string;
      readonly timeout: number | undefined;
    };

const DONE: Outcome = { type: 'done' };

/** The world is as desired. */
export function done(): Outcome {
  return DONE;
}

/** Run again after `after` ms: for what time changes, not for failures. */
export function requeue(after: number, reason: string): Outcome {
  return { type: 'requeue', after, reason };
}

/**
 * Blocked on another object: run again when `predicate` holds for it, seen through the cache. `undefined` stands for an object
 * that does not exist. After `timeout` ms the key runs anyway, with a cause that says so.
 */
export function waitFor<T extends KubernetesObject>(
  resource: Resource<T>,
  ref: ObjectRef,
  predicate: (object: T | undefined) => boolean,
  reason: string,
  options: { timeout?: number } = {},
): Outcome {
  return {
    type: 'wait',
    resource,
    ref,
    holds: (object) => predicate(object as T | undefined),
    reason,
    timeout: options.timeout,
  };
}

/** Failed for now. `after` (ms) is a lower bound of the wait: what a Retry-After header says. */
export class RetryableError extends K3sError {
  readonly after: number | undefined;

  constructor(code: ErrorCode, message: string, options: Omit<K3sErrorOptions, 'retryable'> & { after?: number } = {}) {
    super(code, message, { ...options, retryable: true });
    this.after = options.after;
  }
}

/** Failed, and doing the same again cannot succeed. `until` names what has to change, as in "the spec changes". */
export class TerminalError extends K3sError {
  readonly until: string | undefined;

  constructor(code: ErrorCode, message: string, options: Omit<K3sErrorOptions, 'retryable'> & { until?: string } = {}) {
    super(code, message, { ...options, retryable: false });
    this.until = options.until;
  }
}
