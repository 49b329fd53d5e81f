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

  /** What came after `revision`. Throws 410 where that is not known any more, or where the kind was not served yet. */
  since(revision: number, servedSince: number): readonly Change[] {
    const oldest = Math.max(this.#compacted, servedSince);
    if (revision < oldest) throw expired(`too old resource version: ${revision} (${oldest})`);
    return this.#changes.filter((change) => change.revision > revision);
  }

  /** Refuses to read a state that is yet to come. */
  refuseFuture(revision: number): void {
    if (revision <= this.#revision) return;
    throw new Failure(504, {
      reason: 'Timeout',
      message: `Timeout: Too large resource version: ${revision}, current: ${this.#revision}`,
      details: { retryAfterSeconds: 1 },
    });
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
