import type { StoredKey, StoredLease } from '../storage/storage.ts';
import type { Change } from './key-history.ts';

interface MadeChange {
  readonly change: Change;
  readonly value: Uint8Array;
}

/** Everything that goes into one commit, and how to take it back out of memory if the commit fails. */
export class Batch {
  readonly keys: StoredKey[] = [];
  readonly changes: MadeChange[] = [];
  readonly leases = new Map<bigint, StoredLease | undefined>();
  compactRevision: number | undefined;
  /** Bytes of values, as a measure of the commit's size. */
  bytes = 0;
  readonly #undo: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.changes.length === 0 && this.leases.size === 0 && this.compactRevision === undefined;
  }

  /** A mark for `rollback`. */
  get savepoint(): number {
    return this.#undo.length;
  }

  add(change: Change, value: Uint8Array): void {
    this.changes.push({ change, value });
    this.bytes += value.length;
    this.onRollback(() => {
      this.changes.pop();
      this.bytes -= value.length;
    });
  }

  addKey(key: StoredKey): void {
    this.keys.push(key);
    this.onRollback(() => this.keys.pop());
  }

  setLease(id: bigint, lease: StoredLease | undefined): void {
    const known = this.leases.has(id);
    const before = this.leases.get(id);
    this.leases.set(id, lease);
    this.onRollback(() => {
      if (known) this.leases.set(id, before);
      else this.leases.delete(id);
    });
  }

  /** `undo` reverses what was just done; undone in reverse order. */
  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Reverses everything since `savepoint`. */
  rollback(savepoint = 0): void {
    while (this.#undo.length > savepoint) this.#undo.pop()?.();
  }
}
