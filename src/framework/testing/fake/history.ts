import { expired, Failure } from './failure.ts';
import type { ServedKind } from './kind-table.ts';
import type { StoredRecord } from './object-table.ts';

/** One committed change. Records are immutable, so a change keeps showing what was true at its revision. */
export interface Change {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly kind: ServedKind;
  /** For DELETED, the last state, with the deletion's resourceVersion. */
  readonly record: StoredRecord;
  readonly previous: StoredRecord | undefined;
}

/** As many changes as the fake keeps by itself; older ones are compacted away, as in the real server's watch cache. */
const WINDOW = 10_000;

/** The sequence of all changes of the fake cluster, numbered without gaps. */
export class History {
  #revision = 1;
  #compacted = 0;
  #changes: Change[] = [];
  readonly #listeners = new Set<(change: Change) => void>();

  get revision(): number {
    return this.#revision;
  }

  get nextRevision(): number {
    return this.#revision + 1;
  }

  append(change: Change): void {
    this.#revision = change.revision;
    this.#changes.push(change);
    if (this.#changes.length > WINDOW) this.#compacted = this.#changes.shift()?.revision ?? this.#compacted;
    for (const listener of this.#listeners) listener(change);
  }

  /** What came after `revision`. Throws the 410 of a compacted revision, and the time-out of one that is yet to come. */
  since(revision: number): readonly Change[] {
    if (revision < this.#compacted) {
      throw expired(`too old resource version: ${revision} (${this.#compacted})`);
    }
    if (revision > this.#revision) {
      throw new Failure(504, {
        reason: 'Timeout',
        message: `Timeout: Too large resource version: ${revision}, current: ${this.#revision}`,
        details: { retryAfterSeconds: 1 },
      });
    }
    return this.#changes.filter((change) => change.revision > revision);
  }

  /** Forgets everything up to now: watches from an older revision get 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#changes = [];
  }

  subscribe(listener: (change: Change) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }
}
