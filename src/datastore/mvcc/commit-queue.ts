import type { Logger } from '../../core/log.ts';
import { StorageFull } from '../storage/storage.ts';
import { noSpace, stopped, timedOut } from '../wire/etcd-errors.ts';
import { Batch } from './batch.ts';
import { Draft } from './draft.ts';
import type { Store } from './store.ts';

/** A commit takes at most this many requests … */
const BATCH_REQUESTS = 512;
/** … or this many bytes of values, one request more at most. */
const BATCH_BYTES = 4 * 1024 * 1024;

interface Request {
  /** Evaluates it; returns what to do once its batch is durable. Throws if the request is refused. */
  readonly evaluate: (draft: Draft) => () => void;
  readonly refuse: (error: unknown) => void;
}

/** Work that is done between commits, one short slice at a time. Returns whether more is due now. */
export type BackgroundWork = () => Promise<boolean>;

/**
 * The only writer. Requests that arrive while a commit is under way form the next one, so a commit (one sync of the disk)
 * serves as many as there are, and nobody waits for a timer. Within a batch requests are evaluated one after another, each
 * seeing those before it; answers are given when the batch is durable.
 */
export class CommitQueue implements AsyncDisposable {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #failed: (error: unknown) => void;
  readonly #background: BackgroundWork[] = [];
  #waiting: Request[] = [];
  #running = false;
  #backgroundDue = false;
  /** Why nothing is accepted any more. */
  #closed: (() => Error) | undefined;
  #full = false;
  #idle: (() => void) | undefined;

  /** `failed` is told once if the storage breaks: the state on disk is then unknown, and the store must be opened anew. */
  constructor(store: Store, log: Logger, failed: (error: unknown) => void) {
    this.#store = store;
    this.#log = log;
    this.#failed = failed;
  }

  /** Registers work that `schedule` starts. */
  addBackground(work: BackgroundWork): void {
    this.#background.push(work);
  }

  /** Has the background work looked at soon. */
  schedule(): void {
    this.#backgroundDue = true;
    this.#wake();
  }

  /**
   * Evaluates a transaction and resolves with its result when it is durable. `evaluate` runs synchronously, alone; if it
   * throws, what it did is undone and the promise rejects with the error.
   */
  submit<T>(evaluate: (draft: Draft) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) {
        reject(this.#closed());
        return;
      }
      this.#waiting.push({
        evaluate: (draft) => {
          const result = evaluate(draft);
          return () => resolve(result);
        },
        refuse: reject,
      });
      this.#wake();
    });
  }

  /** Accepts nothing more and waits for what was accepted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= stopped;
    if (this.#running) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  #wake(): void {
    if (this.#running || this.#closed === timedOut) return;
    this.#running = true;
    // After the poll phase: by then everything that has reached the sockets is in the queue.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#waiting.length > 0) await this.#commit();
    if (this.#closed !== undefined) this.#backgroundDue = false;
    if (this.#backgroundDue) this.#backgroundDue = await this.#runBackground();
    this.#running = false;
    if (this.#waiting.length > 0 || this.#backgroundDue) this.#wake();
    else this.#idle?.();
  }

  async #commit(): Promise<void> {
    const batch = new Batch();
    const answers: (() => void)[] = [];
    const refusals: ((error: unknown) => void)[] = [];
    let taken = 0;
    for (const request of this.#waiting) {
      if (taken >= BATCH_REQUESTS || batch.bytes >= BATCH_BYTES) break;
      taken++;
      const savepoint = batch.savepoint;
      try {
        answers.push(request.evaluate(new Draft(this.#store, batch)));
        refusals.push(request.refuse);
      } catch (error) {
        batch.rollback(savepoint);
        request.refuse(error);
      }
    }
    this.#waiting = this.#waiting.slice(taken);
    try {
      if (!batch.isEmpty) await this.#store.storage.commit(batch);
    } catch (error) {
      batch.rollback();
      const cause = this.#commitFailed(error);
      for (const refuse of refusals) refuse(cause());
      return;
    }
    if (!batch.isEmpty) this.#committed(batch);
    for (const answer of answers) answer();
  }

  #committed(batch: Batch): void {
    if (this.#full) this.#log.info('the database has space again');
    this.#full = false;
    this.#store.publish(batch);
    this.#backgroundDue = true;
  }

  /** Returns what to tell the clients whose writes were in the commit. */
  #commitFailed(error: unknown): () => Error {
    if (error instanceof StorageFull) {
      if (!this.#full) this.#log.error('the disk is full: writes are refused until there is space', { error });
      this.#full = true;
      return noSpace;
    }
    this.#fail(error);
    return timedOut;
  }

  async #runBackground(): Promise<boolean> {
    try {
      for (const work of this.#background) if (await work()) return true;
    } catch (error) {
      // Compaction and upkeep need space too; they are looked at again after the next commit.
      if (!(error instanceof StorageFull)) this.#fail(error);
    }
    return false;
  }

  #fail(error: unknown): void {
    this.#closed = timedOut;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const request of waiting) request.refuse(timedOut());
    this.#failed(error);
  }
}
