interface Entry<T> {
  readonly deadline: number;
  readonly item: T;
}

/** A binary heap by deadline. Entries are never changed or removed but by `pop`: the owner drops those that no longer hold. */
export class DeadlineHeap<T> {
  readonly #entries: Entry<T>[] = [];

  peek(): Entry<T> | undefined {
    return this.#entries[0];
  }

  push(deadline: number, item: T): void {
    const entries = this.#entries;
    let at = entries.length;
    const entry = { deadline, item };
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = entries[parent] as Entry<T>;
      if (above.deadline <= deadline) break;
      entries[at] = above;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): Entry<T> | undefined {
    const entries = this.#entries;
    const top = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && deadlineAt(entries, child + 1) < deadlineAt(entries, child)) child++;
      if (deadlineAt(entries, child) >= last.deadline) break;
      entries[at] = entries[child] as Entry<T>;
      at = child;
    }
    entries[at] = last;
    return top;
  }
}

function deadlineAt<T>(entries: readonly Entry<T>[], index: number): number {
  return (entries[index] as Entry<T>).deadline;
}
