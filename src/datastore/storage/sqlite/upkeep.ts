import type Database from 'better-sqlite3';
import type { StorageSize } from '../storage.ts';

/** Pages that the log may hold before it is moved into the database; 8 MiB, of which a checkpoint takes a few milliseconds. */
const CHECKPOINT_PAGES = 2048;
/** Free pages that are kept for new data; beyond them the file shrinks. 4 MiB. */
const SPARE_PAGES = 1024;
/** Free pages given back in one step, so that a step stays short. */
const VACUUM_STEP = 64;

/** Keeps the log and the file small, a little at a time between commits. */
export class Upkeep {
  readonly #database: Database.Database;
  readonly #pageSize: number;
  readonly #pages: Database.Statement<[], number>;
  readonly #freePages: Database.Statement<[], number>;
  readonly #logState: Database.Statement<[], [busy: number, logged: number, checkpointed: number]>;
  #defragmentation = false;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#pageSize = Number(database.pragma('page_size', { simple: true }));
    this.#pages = database.prepare<[], number>('PRAGMA page_count').pluck();
    this.#freePages = database.prepare<[], number>('PRAGMA freelist_count').pluck();
    this.#logState = database
      .prepare<[], [busy: number, logged: number, checkpointed: number]>('PRAGMA wal_checkpoint(NOOP)')
      .raw();
  }

  requestDefragmentation(): void {
    this.#defragmentation = true;
  }

  /** Returns whether more is due. */
  step(): boolean {
    const [, logged, checkpointed] = this.#logState.get() ?? [0, 0, 0];
    if (logged - checkpointed > CHECKPOINT_PAGES) this.#database.pragma('wal_checkpoint(PASSIVE)');
    if ((this.#freePages.get() ?? 0) > (this.#defragmentation ? 0 : SPARE_PAGES)) {
      this.#database.pragma(`incremental_vacuum(${VACUUM_STEP})`);
      return true;
    }
    // The file becomes shorter when the log, which knows its new length, is moved into it.
    if (this.#defragmentation) this.#database.pragma('wal_checkpoint(TRUNCATE)');
    this.#defragmentation = false;
    return false;
  }

  size(): StorageSize {
    const pages = this.#pages.get() ?? 0;
    const free = this.#freePages.get() ?? 0;
    return { total: pages * this.#pageSize, inUse: (pages - free) * this.#pageSize };
  }
}
