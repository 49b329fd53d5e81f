/** A key as stored: other records name it by its id. */
export interface StoredKey {
  readonly id: number;
  /** One character per byte. */
  readonly key: string;
}

/** A change as stored, without its value. `version` 0 is a deletion. */
export interface StoredChange {
  readonly id: number;
  readonly revision: number;
  readonly keyId: number;
  readonly createRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

export interface StoredLease {
  readonly id: bigint;
  /** Granted time to live in seconds. */
  readonly ttl: number;
  /** When it expires unless kept alive: milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

export interface StoredIdentity {
  readonly clusterId: number;
  readonly memberId: number;
}

export interface NewChange {
  readonly change: StoredChange;
  /** Empty for a deletion, of which none is stored. */
  readonly value: Uint8Array;
}

/** What one commit makes durable, all of it or nothing. */
export interface Commit {
  readonly keys: readonly StoredKey[];
  readonly changes: readonly NewChange[];
  /** Undefined: the lease has ended. */
  readonly leases: ReadonlyMap<bigint, StoredLease | undefined>;
  readonly compactRevision: number | undefined;
}

/** Records that compaction has made useless. */
export interface Erasure {
  readonly changeIds: readonly number[];
  readonly keyIds: readonly number[];
}

export interface StorageSize {
  /** Bytes on disk. */
  readonly total: number;
  /** Bytes that hold data, without what could be given back to the file system. */
  readonly inUse: number;
}

/**
 * The storage refused a commit for lack of space: nothing of it was written, and later commits may succeed. Any other error
 * from a storage leaves open what was written; the store stops on it.
 */
export class StorageFull extends Error {
  override readonly name = 'StorageFull';
}

/** The records contradict one another, or one that another names is missing. */
export class InconsistentRecords extends Error {
  override readonly name = 'InconsistentRecords';
}

/**
 * Where the store keeps its records. It interprets nothing: what a revision means, what may be erased and what a client sees is
 * decided above. Commits and erasures never run at the same time.
 */
export interface Storage extends AsyncDisposable {
  readonly identity: StoredIdentity;
  readonly compactRevision: number;
  keys(): Iterable<StoredKey>;
  /** In the order of their ids. */
  changes(): Iterable<StoredChange>;
  leases(): Iterable<StoredLease>;
  value(changeId: number): Uint8Array;
  /** Resolves when the commit survives a power failure. */
  commit(commit: Commit): Promise<void>;
  erase(erasure: Erasure): Promise<void>;
  /**
   * Does one short piece of upkeep, if some is due: moving the log into the database, giving free space back. Returns whether
   * more is due now.
   */
  maintain(): Promise<boolean>;
  /** Makes `maintain` give back all free space, however little it is. */
  requestDefragmentation(): void;
  size(): StorageSize;
}
