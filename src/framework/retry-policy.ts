import type { Random } from '../core/random.ts';

/** The wait before the n-th retry is uniform in [0, min(longest, first · 2ⁿ⁻¹)] (full jitter). Milliseconds. */
export interface RetryPolicy {
  readonly first: number;
  readonly longest: number;
}

export const defaultRetryPolicy: RetryPolicy = { first: 200, longest: 5 * 60_000 };

/** How long to wait after the `failures`-th failure in a row. */
export function backOff(policy: RetryPolicy, failures: number, random: Random): number {
  return random.next() * Math.min(policy.longest, policy.first * 2 ** Math.max(0, failures - 1));
}
