import type { Logger } from '../../core/log.ts';
import type { CommitQueue } from '../mvcc/commit-queue.ts';
import type { Draft } from '../mvcc/draft.ts';
import type { Store } from '../mvcc/store.ts';

/** Leases ended by one commit at most. */
const BATCH = 256;
/** How long to wait after a failure, in milliseconds. */
const RETRY = 1000;

/** Ends leases whose time is over: their keys are deleted, those of one lease at one revision. */
export class LeaseExpiry implements Disposable {
  readonly #store: Store;
  readonly #queue: CommitQueue;
  readonly #log: Logger;
  #timer: Disposable | undefined;
  #due = Infinity;
  #stopped = false;

  constructor(store: Store, queue: CommitQueue, log: Logger) {
    this.#store = store;
    this.#queue = queue;
    this.#log = log;
  }

  /** Looks at the first deadline again; to be called when leases were added or changed. */
  reschedule(): void {
    const deadline = this.#store.leases.first()?.deadline ?? Infinity;
    // A timer that fires too early finds nothing and is set anew; one that would fire too late must be replaced.
    if (deadline >= this.#due) return;
    this.#arm(deadline);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  #arm(deadline: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#due = deadline;
    if (this.#stopped || deadline === Infinity) return;
    this.#timer = this.#store.clock.timer(deadline - this.#store.clock.monotonic(), () => void this.#expire());
  }

  async #expire(): Promise<void> {
    const { clock, leases } = this.#store;
    let next = clock.monotonic() + RETRY;
    try {
      const ended = leases.expired(clock.monotonic()).slice(0, BATCH);
      await Promise.all(ended.map(({ id }) => this.#queue.submit((draft) => this.#endIfExpired(draft, id))));
      next = leases.first()?.deadline ?? Infinity;
    } catch (error) {
      if (!this.#stopped) this.#log.warn('expired leases could not be ended, retrying', { error });
    }
    this.#arm(next);
  }

  /** Looks again, because a keep-alive or a revocation may have come first. */
  #endIfExpired(draft: Draft, id: bigint): void {
    const lease = this.#store.leases.get(id);
    if (lease !== undefined && lease.deadline <= this.#store.clock.monotonic()) draft.revokeLease(id);
  }
}
