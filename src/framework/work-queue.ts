import type { Random } from '../core/random.ts';
import type { Cause } from './cause.ts';
import { DueHeap, type Due } from './due-heap.ts';
import { Lane, type Laned } from './lane.ts';
import { backOff, type RetryPolicy } from './retry-policy.ts';

/** high: something changed. low: nothing is known to have changed (first list, resync, `everyKey`). */
export type Priority = 'high' | 'low';

/** A key that may run now, and why. */
export interface Taken {
  readonly key: string;
  readonly causes: readonly Cause[];
  /** Back-offs since the key's last success. */
  readonly attempt: number;
}

/** How a run ended, in the queue's terms. */
export type Verdict =
  /** The back-off is over; run again after `wake.after` ms unless something happens before. */
  | { readonly type: 'settled'; readonly wake?: { after: number; cause: Cause; priority: Priority } }
  /** Run again after the back-off, at least `after` ms. */
  | { readonly type: 'failed'; readonly after?: number }
  /** The key stands for nothing any more. */
  | { readonly type: 'gone' };

/** What is known of a key. Times are those of the caller. */
export interface KeyState {
  readonly state: 'queued' | 'running' | 'waiting';
  readonly causes: readonly Cause[];
  readonly queuedSince: number | undefined;
  readonly attempt: number;
  readonly wake: { readonly at: number; readonly cause: Cause } | undefined;
}

/** Causes kept per run; more of them tell a reader nothing new. */
const MOST_CAUSES = 8;
/** After so many keys of high priority in a row one of low priority has its turn. */
const HIGH_IN_A_ROW = 8;

const RETRIED: Cause = { source: 'controller', change: 'retried' };
const NO_CAUSES: readonly Cause[] = [];

interface Entry extends Due, Laned<Entry> {
  readonly key: string;
  state: 'waiting' | 'queued' | 'running';
  /** While running: something happened since it was taken, so run once more. */
  dirty: boolean;
  priority: Priority;
  causes: readonly Cause[];
  queuedSince: number;
  failures: number;
  /** The end of the back-off. */
  retryAt: number | undefined;
  /** Whether the run under way began after the back-off, so that its failure makes the next one longer. */
  counts: boolean;
  wakeCause: Cause;
  wakePriority: Priority;
}

/**
 * Which key may run next. Guarantees:
 *
 * - A key is never taken twice at once: between `take` and `finish` it is not given out again.
 * - Nothing is lost: a key added while it runs is given out once more after it finishes, with the causes since it was taken.
 * - Keys added several times before they run are given out once.
 * - Order is first in, first out within a priority; a key takes the highest priority that it was added with. Low priority is not
 *   starved by high priority.
 * - A failed key is given out again after its back-off. The back-off grows with back-offs waited out, not with runs: a run that some
 *   change caused during a back-off happens at once, and when it fails, the end of the back-off stays what it was.
 *
 * It holds no clock: callers pass the time (milliseconds, monotonic), and ask again at `nextWake`.
 */
export class WorkQueue {
  readonly #retry: RetryPolicy;
  readonly #random: Random;
  readonly #entries = new Map<string, Entry>();
  readonly #lanes: Readonly<Record<Priority, Lane<Entry>>> = { high: new Lane(), low: new Lane() };
  readonly #sleeping = new DueHeap<Entry>();
  #highInARow = 0;

  constructor(options: { retry: RetryPolicy; random: Random }) {
    this.#retry = options.retry;
    this.#random = options.random;
  }

  /** Keys that the queue remembers: queued, running, or waiting for a time. */
  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  /** When the next waiting key is due. */
  get nextWake(): number | undefined {
    return this.#sleeping.first?.due;
  }

  add(key: string, cause: Cause, now: number, priority: Priority = 'high'): void {
    const entry = this.#entries.get(key) ?? this.#create(key);
    if (entry.state === 'running') {
      entry.priority = entry.dirty && entry.priority === 'high' ? 'high' : priority;
      entry.dirty = true;
      entry.causes = withCause(entry.causes, cause);
    } else if (entry.state === 'queued') {
      entry.causes = withCause(entry.causes, cause);
      if (priority === 'high' && entry.priority === 'low') {
        this.#lanes.low.remove(entry);
        entry.priority = 'high';
        this.#lanes.high.append(entry);
      }
    } else {
      entry.causes = [cause];
      entry.priority = priority;
      this.#enqueue(entry, now);
    }
  }

  /** The next key, which is the caller's until `finish`. */
  take(now: number): Taken | undefined {
    this.#wake(now);
    const entry = this.#next();
    if (entry === undefined) return undefined;
    this.#lanes[entry.priority].remove(entry);
    this.#sleeping.remove(entry);
    const taken = { key: entry.key, causes: entry.causes, attempt: entry.failures };
    entry.state = 'running';
    entry.counts = entry.retryAt === undefined || now >= entry.retryAt;
    entry.causes = NO_CAUSES;
    entry.wakePriority = entry.priority;
    return taken;
  }

  /** Ends what `take` began. */
  finish(key: string, verdict: Verdict, now: number): void {
    const entry = this.#entries.get(key);
    if (entry?.state !== 'running') throw new Error(`work queue: ${key} was finished but not taken`);
    entry.state = 'waiting';
    if (verdict.type === 'failed') this.#backOff(entry, verdict.after ?? 0, now);
    else {
      entry.failures = 0;
      entry.retryAt = undefined;
      if (verdict.type === 'settled' && verdict.wake !== undefined) {
        entry.wakeCause = verdict.wake.cause;
        entry.wakePriority = verdict.wake.priority;
        this.#sleeping.set(entry, now + verdict.wake.after);
      }
    }
    if (entry.dirty) {
      entry.dirty = false;
      this.#enqueue(entry, now);
    } else if (entry.position < 0) this.#entries.delete(key);
  }

  explain(key: string): KeyState | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    return {
      state: entry.state,
      causes: entry.causes,
      queuedSince: entry.state === 'queued' ? entry.queuedSince : undefined,
      attempt: entry.failures,
      wake: entry.position < 0 ? undefined : { at: entry.due, cause: entry.wakeCause },
    };
  }

  #create(key: string): Entry {
    const entry: Entry = {
      key,
      state: 'waiting',
      dirty: false,
      priority: 'low',
      causes: NO_CAUSES,
      queuedSince: 0,
      failures: 0,
      retryAt: undefined,
      counts: true,
      wakeCause: RETRIED,
      wakePriority: 'low',
      due: 0,
      position: -1,
      previous: undefined,
      next: undefined,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #enqueue(entry: Entry, now: number): void {
    entry.state = 'queued';
    entry.queuedSince = now;
    this.#lanes[entry.priority].append(entry);
  }

  #wake(now: number): void {
    for (;;) {
      const entry = this.#sleeping.first;
      if (entry === undefined || entry.due > now) return;
      this.#sleeping.remove(entry);
      this.add(entry.key, entry.wakeCause, now, entry.wakePriority);
    }
  }

  #next(): Entry | undefined {
    const { high, low } = this.#lanes;
    const lowsTurn = high.first === undefined || (low.first !== undefined && this.#highInARow >= HIGH_IN_A_ROW);
    this.#highInARow = lowsTurn ? 0 : this.#highInARow + 1;
    return lowsTurn ? low.first : high.first;
  }

  #backOff(entry: Entry, atLeast: number, now: number): void {
    if (entry.counts || entry.retryAt === undefined) {
      entry.failures++;
      entry.retryAt = now + backOff(this.#retry, entry.failures, this.#random);
    }
    entry.retryAt = Math.max(entry.retryAt, now + atLeast);
    entry.wakeCause = RETRIED;
    this.#sleeping.set(entry, entry.retryAt);
  }
}

function withCause(causes: readonly Cause[], cause: Cause): readonly Cause[] {
  const known = causes.some(
    (other) => other.source === cause.source && other.change === cause.change && other.detail === cause.detail,
  );
  return known ? causes : [...causes.slice(1 - MOST_CAUSES), cause];
}
