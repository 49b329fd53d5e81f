import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { DueHeap, type Due } from '../../src/framework/due-heap.ts';

interface Item extends Due {
  name: number;
}

describe('DueHeap', () => {
  test('always shows the item that is due first, whatever was set, moved and removed', () => {
    const step = fc.record({ name: fc.integer({ min: 0, max: 20 }), due: fc.option(fc.integer({ min: 0, max: 50 })) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const items = Array.from({ length: 21 }, (_, name): Item => ({ name, due: 0, position: -1 }));
        const heap = new DueHeap<Item>();
        const expected = new Map<number, number>();
        for (const { name, due } of steps) {
          const item = items[name] as Item;
          if (due === null) {
            heap.remove(item);
            expected.delete(name);
          } else {
            heap.set(item, due);
            expected.set(name, due);
          }
          expect(heap.first?.due).toBe(expected.size === 0 ? undefined : Math.min(...expected.values()));
        }
      }),
    );
  });
});
