/** A pair as the model keeps it. */
export interface Pair {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

export interface ModelEvent {
  readonly revision: number;
  readonly key: string;
  readonly pair: Pair | undefined;
  readonly previous: Pair | undefined;
}

export type Write =
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly start: string; readonly end: string };

/** The store as simply as it can be said: a copy of everything at every revision. */
export class Model {
  revision = 1;
  compactRevision = 0;
  readonly events: ModelEvent[] = [];
  readonly #states: ReadonlyMap<string, Pair>[] = [new Map(), new Map()];

  at(revision: number): ReadonlyMap<string, Pair> {
    return this.#states[revision] ?? new Map();
  }

  /** Pairs of [start, end) in order. */
  range(start: string, end: string, revision = this.revision): Pair[] {
    const inside = [...this.at(revision).values()].filter(({ key }) => key >= start && key < end);
    return inside.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** How many changes a store that has been compacted still needs. */
  remembered(): number {
    const { compactRevision, events } = this;
    return this.at(compactRevision - 1).size + events.filter(({ revision }) => revision >= compactRevision).length;
  }

  /** Applies writes as one transaction. */
  apply(writes: readonly Write[]): void {
    const next = this.revision + 1;
    const state = new Map(this.at(this.revision));
    const events: ModelEvent[] = [];
    const set = (key: string, pair: Pair | undefined): void => {
      events.push({ revision: next, key, pair, previous: this.at(this.revision).get(key) });
      if (pair === undefined) state.delete(key);
      else state.set(key, pair);
    };
    for (const write of writes) {
      if (write.kind === 'put') {
        const before = state.get(write.key);
        const createRevision = before?.createRevision ?? next;
        const version = (before?.version ?? 0) + 1;
        set(write.key, { key: write.key, value: write.value, createRevision, modRevision: next, version });
      } else {
        const doomed = [...state.keys()].filter((key) => key >= write.start && key < write.end).sort();
        for (const key of doomed) set(key, undefined);
      }
    }
    if (events.length === 0) return;
    this.revision = next;
    this.events.push(...events);
    this.#states[next] = state;
  }
}
