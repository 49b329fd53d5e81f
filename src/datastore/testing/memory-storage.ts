import {
  InconsistentRecords,
  type Commit,
  type Erasure,
  type Storage,
  type StorageSize,
  type StoredChange,
  type StoredKey,
  type StoredLease,
} from '../storage/storage.ts';

/**
 * A storage without a disk, for tests. What a commit wrote survives the store that wrote it, so a "restart" is a new store on the
 * same storage. Commits can be held back and made to fail.
 */
export class MemoryStorage implements Storage {
  readonly identity = { clusterId: 11, memberId: 22 };
  compactRevision = 0;
  /** Commits made so far. */
  commits = 0;
  /** Thrown by the next commit or erasure, which then writes nothing. */
  failure: unknown;
  /** Awaited by commits before they write. */
  gate: Promise<void> | undefined;
  readonly #keys = new Map<number, string>();
  readonly #changes = new Map<number, StoredChange>();
  readonly #values = new Map<number, Buffer>();
  readonly #leases = new Map<bigint, StoredLease>();

  *keys(): Iterable<StoredKey> {
    for (const [id, key] of this.#keys) yield { id, key };
  }

  changes(): Iterable<StoredChange> {
    return [...this.#changes.values()].sort((a, b) => a.id - b.id);
  }

  leases(): Iterable<StoredLease> {
    return this.#leases.values();
  }

  value(changeId: number): Uint8Array {
    const value = this.#values.get(changeId);
    if (value === undefined) throw new InconsistentRecords(`the value of change ${changeId} is missing`);
    return value;
  }

  async commit(commit: Commit): Promise<void> {
    await this.gate;
    this.#failIfTold();
    this.commits++;
    for (const { id, key } of commit.keys) this.#keys.set(id, key);
    for (const { change, value } of commit.changes) {
      const { id, revision, keyId, createRevision, version, lease } = change;
      this.#changes.set(id, { id, revision, keyId, createRevision, version, lease });
      if (version > 0) this.#values.set(id, Buffer.from(value));
    }
    for (const [id, lease] of commit.leases) {
      if (lease === undefined) this.#leases.delete(id);
      else this.#leases.set(id, lease);
    }
    this.compactRevision = commit.compactRevision ?? this.compactRevision;
  }

  async erase({ changeIds, keyIds }: Erasure): Promise<void> {
    this.#failIfTold();
    for (const id of changeIds) {
      this.#changes.delete(id);
      this.#values.delete(id);
    }
    for (const id of keyIds) this.#keys.delete(id);
  }

  async maintain(): Promise<boolean> {
    return false;
  }

  requestDefragmentation(): void {}

  size(): StorageSize {
    return { total: this.#changes.size, inUse: this.#changes.size };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #failIfTold(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}
