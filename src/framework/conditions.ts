import type { Condition, ConditionStatus } from './context.ts';

/** What a controller says about an object; the rest of a condition follows from it. */
export interface ConditionChange {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
}

/**
 * `current` with `changes` made: by type, order kept, new ones last, those of other types untouched. `lastTransitionTime` is `now`
 * (milliseconds since the epoch) where the status changed and what it was elsewhere. `generation` is that of the object the controller
 * looked at.
 */
export function withConditions(
  current: readonly Condition[],
  changes: readonly ConditionChange[],
  generation: number | undefined,
  now: number,
): Condition[] {
  const result = [...current];
  for (const { type, status, reason, message } of changes) {
    const at = result.findIndex((condition) => condition.type === type);
    const before = result[at];
    // metav1.Time has whole seconds.
    const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
    const condition: Condition = {
      type,
      status,
      reason,
      message,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : time,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    if (before === undefined) result.push(condition);
    else result[at] = condition;
  }
  return result;
}
