export const NO_LEASE = 0n;

/** One change of one key. Immutable but for the cached bytes. */
export class Change {
  /** Position in the log of all changes: the order in which they were made, and what the value is stored under. */
  readonly id: number;
  readonly history: KeyHistory;
  /** The store's revision after the transaction that made the change. */
  readonly revision: number;
  /** 0 for a deletion. */
  readonly createRevision: number;
  /** Writes of the key since it was created; 0 for a deletion. */
  readonly version: number;
  readonly lease: bigint;
  /** The mvccpb.KeyValue in wire form, while it is in memory. */
  encoded: Buffer | undefined;
  /** Set by a use of `encoded`, cleared when the cache looks for what to drop. */
  recentlyUsed = false;

  constructor(
    id: number,
    history: KeyHistory,
    revision: number,
    createRevision: number,
    version: number,
    lease: bigint,
    encoded?: Buffer,
  ) {
    this.id = id;
    this.history = history;
    this.revision = revision;
    this.createRevision = createRevision;
    this.version = version;
    this.lease = lease;
    this.encoded = encoded;
  }

  get key(): string {
    return this.history.key;
  }

  get keyId(): number {
    return this.history.id;
  }

  get modRevision(): number {
    return this.revision;
  }

  get isDeletion(): boolean {
    return this.version === 0;
  }
}

/** What is remembered of one key: its changes since it was last compacted away, oldest first. */
export class KeyHistory {
  readonly id: number;
  readonly key: string;
  readonly changes: Change[] = [];
  /** Whether the key exists at the newest committed revision. Maintained by the tree, which counts such keys. */
  live = false;

  constructor(id: number, key: string) {
    this.id = id;
    this.key = key;
  }

  /** The newest change at or before `revision`, deletions included. */
  at(revision: number): Change | undefined {
    const newest = this.changes.at(-1);
    if (newest === undefined || newest.revision <= revision) return newest;
    return this.changes[this.#indexAfter(revision) - 1];
  }

  /** The pair that existed at `revision`, if one did. */
  liveAt(revision: number): Change | undefined {
    const change = this.at(revision);
    return change === undefined || change.isDeletion ? undefined : change;
  }

  /** The change that `change` replaced, if it is still remembered. */
  before(change: Change): Change | undefined {
    const previous = this.changes.at(-2);
    if (this.changes.at(-1) === change) return previous;
    return this.at(change.revision - 1);
  }

  /** Index of the first change after `revision`. */
  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.changes[middle] as Change).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
