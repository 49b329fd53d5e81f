import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import { Scope } from '../core/scope.ts';
import type { ClusterClient } from '../cluster/client.ts';
import type { Informers } from '../cluster/informers.ts';
import { keyOf } from '../cluster/object.ts';
import { groupKind } from '../cluster/resource.ts';
import { Caches } from './caches.ts';
import { describeCause, type Cause } from './cause.ts';
import { Deadline, unlessAborted } from './deadline.ts';
import type { EventRecorder } from './events.ts';
import { failedRun } from './failed-run.ts';
import { done, RetryableError, type Outcome } from './outcome.ts';
import type { Explanation, FailedRun, ReconcileRecord } from './reconcile-record.ts';
import { RecordingClient, type Write } from './recording-client.ts';
import { TrackedReads } from './tracked-reads.ts';
import type { Run, Work, WorkHost } from './work.ts';
import { WorkQueue, type Priority, type Taken, type Verdict } from './work-queue.ts';

/** After its signal has aborted, a run has so long to end before the runner stops waiting for it. */
const ABANDON_AFTER = 2_000;

/** So many times keys are taken before timers and sockets have their turn. */
const PUMPS_PER_TURN = 64;

export interface RunnerEnvironment {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly events: EventRecorder;
  /** Told of every run when it has ended. */
  readonly onRecord: (record: ReconcileRecord) => void;
}

/**
 * Runs the keys of one controller: takes them from the queue while there are free slots, gives each run its context and its deadline,
 * and tells the queue how it ended. A key that wrote to the cluster stays taken, without a slot, until the caches show what it wrote.
 */
export class ControllerRunner {
  readonly #work: Work;
  readonly #environment: RunnerEnvironment;
  readonly #log: Logger;
  readonly #queue: WorkQueue;
  readonly #reads: TrackedReads;
  readonly #caches: Caches;
  readonly #scope = new Scope();
  readonly #abort = new AbortController();
  readonly #running = new Map<string, Taken>();
  readonly #settling = new Set<string>();
  readonly #lastRuns = new Map<string, ReconcileRecord>();
  #opened = false;
  #stopping = false;
  #pumpDue = false;
  #pumps = 0;
  #armed: { at: number; timer: Disposable } | undefined;
  #onIdle: (() => void) | undefined;

  constructor(work: Work, environment: RunnerEnvironment) {
    this.#work = work;
    this.#environment = environment;
    const { clock, random, informers } = environment;
    this.#log = environment.log.child({ controller: work.name });
    this.#queue = new WorkQueue({ retry: work.retry, random });
    this.#reads = new TrackedReads((key, cause) => {
      // A run that opened a cache goes on when that is filled, and reads what is in it.
      if (cause.change !== 'listed' || !this.#running.has(key)) this.#enqueue(key, cause);
    });
    this.#caches = new Caches({
      informers,
      clock,
      log: this.#log,
      scope: this.#scope,
      onDelta: (resource, delta) => this.#reads.changed(resource, delta),
    });
  }

  get name(): string {
    return this.#work.name;
  }

  start(): void {
    const { clock, random } = this.#environment;
    const host: WorkHost = {
      scope: this.#scope,
      clock,
      random,
      log: this.#log,
      caches: this.#caches,
      enqueue: (key, cause, priority) => this.#enqueue(key, cause, priority),
      knownKeys: () => this.#queue.keys(),
    };
    void this.#work.open(host).then(
      () => {
        this.#opened = true;
        this.#pumpSoon();
      },
      (error: unknown) => {
        if (!this.#stopping) this.#log.error('the controller could not start', { error });
      },
    );
  }

  /** Starts no more runs, gives those under way `drain` ms to end, then aborts them and closes. */
  async stop(drain: number): Promise<void> {
    const { clock } = this.#environment;
    this.#stopping = true;
    this.#armed?.timer[Symbol.dispose]();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (this.#running.size === 0) resolve();
    });
    const patient = async (limit: number): Promise<boolean> => {
      using deadline = new Deadline(clock, limit, undefined, () => new Error('not in time'));
      return await unlessAborted(idle, deadline.signal).then(
        () => true,
        () => false,
      );
    };
    const drained = await patient(drain);
    this.#abort.abort(new RetryableError('K3S_CONTROLLER_STOPPED', `controller ${this.name} is stopping`));
    if (!drained && !(await patient(ABANDON_AFTER))) {
      this.#log.warn('a run ignores its signal and is abandoned', { keys: [...this.#running.keys()] });
    }
    await this.#scope[Symbol.asyncDispose]();
  }

  explain(key: string): Explanation | undefined {
    const queued = this.#queue.explain(key);
    const running = this.#running.get(key);
    const lastRun = this.#lastRuns.get(key);
    if (queued === undefined && lastRun === undefined) return undefined;
    const wall = (at: number): number => this.#environment.clock.now() + at - this.#environment.clock.monotonic();
    return {
      controller: this.name,
      key,
      state: this.#settling.has(key) ? 'settling' : (queued?.state ?? 'waiting'),
      causes: [...(running?.causes ?? []), ...(queued?.causes ?? [])],
      queuedSince: queued?.queuedSince === undefined ? undefined : wall(queued.queuedSince),
      attempt: queued?.attempt ?? 0,
      lastRun,
      nextWake: queued?.wake && { at: wall(queued.wake.at), reason: describeCause(queued.wake.cause) },
      reads: this.#reads.of(key),
    };
  }

  #enqueue(key: string, cause: Cause, priority?: Priority): void {
    this.#queue.add(key, cause, this.#environment.clock.monotonic(), priority);
    this.#pumpSoon();
  }

  /** Once per turn, however many keys were added in it. */
  #pumpSoon(): void {
    if (this.#pumpDue || !this.#opened || this.#stopping) return;
    this.#pumpDue = true;
    const pump = (): void => {
      this.#pumpDue = false;
      this.#pump();
    };
    // Keys that never wait for anything must not keep the process from everything else.
    if (++this.#pumps % PUMPS_PER_TURN === 0) setImmediate(pump);
    else queueMicrotask(pump);
  }

  #pump(): void {
    const { clock } = this.#environment;
    while (!this.#stopping && this.#running.size < this.#work.concurrency) {
      const taken = this.#queue.take(clock.monotonic());
      if (taken === undefined) break;
      this.#running.set(taken.key, taken);
      void this.#handle(taken);
    }
    this.#arm();
  }

  /** Keeps one timer, for the key that is due next. */
  #arm(): void {
    const at = this.#stopping ? undefined : this.#queue.nextWake;
    if (at === this.#armed?.at) return;
    this.#armed?.timer[Symbol.dispose]();
    this.#armed = undefined;
    if (at === undefined) return;
    const { clock } = this.#environment;
    const timer = clock.timer(at - clock.monotonic(), () => {
      this.#armed = undefined;
      this.#pump();
    });
    this.#armed = { at, timer };
  }

  async #handle(taken: Taken): Promise<void> {
    const { key } = taken;
    const { clock } = this.#environment;
    const at = clock.now();
    const began = clock.monotonic();
    const writes: Write[] = [];
    const result = await this.#run(taken, writes);
    const { causes, attempt } = taken;
    const record: ReconcileRecord = {
      controller: this.name,
      key,
      result: result === 'gone' ? done() : result,
      causes,
      attempt,
      at,
      took: clock.monotonic() - began,
    };
    this.#running.delete(key);
    if (this.#running.size === 0) this.#onIdle?.();
    if (result === 'gone') this.#lastRuns.delete(key);
    else this.#lastRuns.set(key, record);
    this.#report(record);
    this.#pumpSoon();
    await this.#settle(key, writes);
    this.#queue.finish(key, this.#verdict(result), clock.monotonic());
    this.#pumpSoon();
  }

  /** Never rejects. */
  async #run(taken: Taken, writes: Write[]): Promise<Outcome | FailedRun | 'gone'> {
    const { key } = taken;
    const { client, clock, events } = this.#environment;
    const { name, timeout } = this.#work;
    const reads = this.#reads.begin(key);
    using deadline = new Deadline(clock, timeout, this.#abort.signal, () => {
      const message = `the run for ${key} did not end in ${timeout} ms`;
      return new RetryableError('K3S_CONTROLLER_TIMEOUT', message, { fields: { controller: name, key, timeout } });
    });
    const { signal } = deadline;
    const run: Run = {
      ...taken,
      signal,
      clock,
      log: this.#log.child({ key }),
      client: new RecordingClient(client, { signal, fieldManager: name, writes }),
      caches: this.#caches,
      reads,
      events,
    };
    try {
      const outcome = await this.#work.run(run);
      if (outcome !== 'gone' && outcome.type === 'wait') await this.#watchFor(outcome, run);
      return outcome;
    } catch (error) {
      return failedRun(signal.aborted ? signal.reason : error);
    } finally {
      reads.commit();
    }
  }

  /** A predicate that holds already means one more run; if that one waits for the same again, it contradicts itself. */
  async #watchFor(outcome: Extract<Outcome, { type: 'wait' }>, run: Run): Promise<void> {
    const { resource, ref, holds, reason } = outcome;
    run.reads.until(resource, ref, holds);
    const store = await this.#caches.store(resource, run.signal);
    if (!holds(store.get(ref))) return;
    const cause: Cause = { source: groupKind(resource), change: 'condition met', detail: keyOf(ref) };
    if (run.attempt > 0 || run.causes.some((other) => describeCause(other) === describeCause(cause))) {
      const what = `${cause.source} ${keyOf(ref)}`;
      throw new RetryableError(
        'K3S_CONTROLLER_WAIT',
        `the run waits for ${what} (${reason}), which is as it should be`,
        {
          fields: { controller: this.name, key: run.key, reason },
          hint: 'The reconcile and its predicate disagree: make both decide by the same function.',
        },
      );
    }
    this.#enqueue(run.key, cause);
  }

  async #settle(key: string, writes: readonly Write[]): Promise<void> {
    if (writes.length === 0 || this.#stopping) return;
    this.#settling.add(key);
    if (!(await this.#caches.settled(writes, this.#abort.signal))) {
      this.#log.debug('a cache did not show an own write in time', { key });
    }
    this.#settling.delete(key);
  }

  #verdict(result: Outcome | FailedRun | 'gone'): Verdict {
    if (result === 'gone') return { type: 'gone' };
    if (result.type === 'failed' && result.retry) {
      return result.after === undefined ? { type: 'failed' } : { type: 'failed', after: result.after };
    }
    if (result.type === 'requeue') {
      return wake(result.after, { source: 'controller', change: 'requeued', detail: result.reason });
    }
    if (result.type === 'wait' && result.timeout !== undefined) {
      return wake(result.timeout, { source: 'controller', change: 'wait timed out', detail: result.reason });
    }
    return this.#resync();
  }

  #resync(): Verdict {
    const after = this.#work.resync * (0.9 + 0.2 * this.#environment.random.next());
    return wake(after, { source: 'controller', change: 'resynced' }, 'low');
  }

  #report(record: ReconcileRecord): void {
    const { key, result, took } = record;
    if (result.type !== 'failed') {
      const reason = 'reason' in result ? { reason: result.reason } : {};
      this.#log.debug('reconciled', { key, outcome: result.type, ...reason, took });
    } else if (!this.#stopping) {
      const stack = result.code === 'K3S_CONTROLLER_UNEXPECTED' ? { stack: result.error.stack } : {};
      const fields = { key, code: result.code, error: result.error, attempt: record.attempt, ...stack };
      if (result.retry) this.#log.warn('reconcile failed and is retried', fields);
      else this.#log.error('reconcile failed for good', fields);
    }
    this.#environment.onRecord(record);
  }
}

function wake(after: number, cause: Cause, priority: Priority = 'high'): Verdict {
  return { type: 'settled', wake: { after, cause, priority } };
}
