import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlineHeap } from '../../../src/datastore/lease/deadline-heap.ts';
import { LeaseTable, type Lease } from '../../../src/datastore/lease/lease-table.ts';

const lease = (id: bigint, deadline: number): Lease => ({ id, ttl: 60, deadline, keys: new Set() });

describe('DeadlineHeap', () => {
  test('gives its entries back in order of their deadlines', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), (deadlines) => {
        const heap = new DeadlineHeap<number>();
        for (const deadline of deadlines) heap.push(deadline, deadline);
        const popped: number[] = [];
        for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
          expect(heap.peek()?.deadline ?? Infinity).toBeGreaterThanOrEqual(entry.deadline);
          popped.push(entry.item);
        }
        expect(popped).toEqual(deadlines.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe('LeaseTable', () => {
  test('knows the first lease through renewals and removals', () => {
    const table = new LeaseTable();
    const [one, two, three] = [lease(1n, 10), lease(2n, 20), lease(3n, 30)];
    for (const each of [two, three, one]) table.add(each);
    expect(table.first()).toBe(one);
    table.setDeadline(one, 25);
    expect(table.first()).toBe(two);
    table.remove(two);
    expect(table.first()).toBe(one);
    table.setDeadline(one, 40);
    expect(table.first()).toBe(three);
    expect(table.expired(30)).toEqual([three]);
    expect(table.all().map(({ id }) => id)).toEqual([3n, 1n]);
    table.remove(one);
    table.remove(three);
    expect(table.first()).toBeUndefined();
  });

  test('a lease that took the id of another is not mistaken for it', () => {
    const table = new LeaseTable();
    const old = lease(1n, 10);
    table.add(old);
    table.remove(old);
    const renewed = lease(1n, 50);
    table.add(renewed);
    expect(table.first()).toBe(renewed);
  });

  test('attaches and detaches keys, of existing leases', () => {
    const table = new LeaseTable();
    const one = lease(1n, 10);
    table.add(one);
    table.attach(1n, 'a');
    table.attach(1n, 'b');
    table.detach(1n, 'a');
    table.attach(9n, 'c');
    table.detach(9n, 'c');
    expect([...one.keys]).toEqual(['b']);
  });
});
