import type { Cause } from './cause.ts';
import type { Outcome } from './outcome.ts';

/** How one run ended: for logs, dashboards and tests. */
export interface ReconcileRecord {
  readonly controller: string;
  readonly key: string;
  readonly result: Outcome | FailedRun;
  readonly causes: readonly Cause[];
  /** Back-offs of the key before this run, since its last success. */
  readonly attempt: number;
  /** When the run began, in milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds. */
  readonly took: number;
}

export interface FailedRun {
  readonly type: 'failed';
  readonly error: Error;
  /** The error's code; K3S_CONTROLLER_UNEXPECTED where it has none. */
  readonly code: string;
  /** Whether the key is retried. */
  readonly retry: boolean;
  /** At least so many ms before that. */
  readonly after: number | undefined;
}

/** Why a key is, or is not, converging. Times are milliseconds since the epoch. */
export interface Explanation {
  readonly controller: string;
  readonly key: string;
  /** `settling`: the run has ended and its own writes have not reached the caches yet. */
  readonly state: 'queued' | 'running' | 'settling' | 'waiting';
  /** Of the run that is queued or under way. */
  readonly causes: readonly Cause[];
  readonly queuedSince: number | undefined;
  /** Back-offs since the last success. */
  readonly attempt: number;
  readonly lastRun: ReconcileRecord | undefined;
  readonly nextWake: { readonly at: number; readonly reason: string } | undefined;
  /** What the last run read from caches, as `Kind.group namespace/name`. */
  readonly reads: readonly string[];
}
