import { describeError, K3sError } from '../core/errors.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import type { AppliedSet, ApplyFailure, ApplyResult, ObjectIdentity } from './context.ts';
import { describeIdentity, identityOf } from './object-identity.ts';
import { RetryableError } from './outcome.ts';

/** What became of each object; filled in while the set is worked on. */
export class AppliedSetResult implements AppliedSet {
  readonly results: readonly ApplyResult[];
  readonly failures: readonly ApplyFailure[];
  readonly pruned: readonly ObjectIdentity[];

  constructor(
    results: readonly ApplyResult[],
    pruned: readonly ObjectIdentity[],
    pruneFailures: readonly ApplyFailure[],
  ) {
    this.results = results;
    this.pruned = pruned;
    const failed = results.flatMap((result) =>
      result.action === 'failed' ? [{ object: identityOf(result.desired), error: result.error }] : [],
    );
    this.failures = [...failed, ...pruneFailures];
  }

  get<T extends KubernetesObject>(desired: T): T | undefined {
    const result = this.results.find((each) => each.desired === desired);
    // The server answers with the kind that was sent.
    return result === undefined || result.action === 'failed' ? undefined : (result.live as T);
  }

  throwIfFailed(): void {
    const [first] = this.failures;
    if (first === undefined) return;
    const each = this.failures.map(({ object, error }) => `${describeIdentity(object)}: ${error.message}`);
    throw new RetryableError('K3S_APPLY_INCOMPLETE', each.join('; '), {
      fields: { failures: this.failures.length, objects: this.results.length },
      cause: first.error,
    });
  }
}

/** An object's failure as data. */
export function asK3sError(error: unknown): K3sError {
  if (error instanceof K3sError) return error;
  return new K3sError('K3S_CONTROLLER_UNEXPECTED', describeError(error), { cause: error, retryable: true });
}
