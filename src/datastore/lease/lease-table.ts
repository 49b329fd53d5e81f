import { DeadlineHeap } from './deadline-heap.ts';

/** Grants a key a limited life: when the lease ends, the keys attached to it are deleted. */
export interface Lease {
  readonly id: bigint;
  /** Granted time to live in seconds. */
  readonly ttl: number;
  /** On the monotonic clock, in milliseconds. */
  deadline: number;
  readonly keys: Set<string>;
}

/** All leases, by id and by deadline. */
export class LeaseTable {
  readonly #leases = new Map<bigint, Lease>();
  readonly #deadlines = new DeadlineHeap<Lease>();

  get(id: bigint): Lease | undefined {
    return this.#leases.get(id);
  }

  /** Ordered by deadline, as etcd lists them. */
  all(): Lease[] {
    return [...this.#leases.values()].sort((a, b) => a.deadline - b.deadline);
  }

  add(lease: Lease): void {
    this.#leases.set(lease.id, lease);
    this.#deadlines.push(lease.deadline, lease);
  }

  remove(lease: Lease): void {
    this.#leases.delete(lease.id);
  }

  setDeadline(lease: Lease, deadline: number): void {
    lease.deadline = deadline;
    this.#deadlines.push(deadline, lease);
  }

  attach(id: bigint, key: string): void {
    this.#leases.get(id)?.keys.add(key);
  }

  detach(id: bigint, key: string): void {
    this.#leases.get(id)?.keys.delete(key);
  }

  /** The lease that ends first. */
  first(): Lease | undefined {
    for (;;) {
      const entry = this.#deadlines.peek();
      if (entry === undefined) return undefined;
      // Left over from a lease that was renewed or has ended.
      const valid = this.#leases.get(entry.item.id) === entry.item && entry.item.deadline === entry.deadline;
      if (valid) return entry.item;
      this.#deadlines.pop();
    }
  }

  /** The leases whose deadline has passed at `now`. They stay in the table. */
  expired(now: number): Lease[] {
    return this.all().filter((lease) => lease.deadline <= now);
  }
}
