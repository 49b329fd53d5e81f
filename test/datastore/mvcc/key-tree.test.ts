import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyHistory } from '../../../src/datastore/mvcc/key-history.ts';
import type { KeyRange } from '../../../src/datastore/mvcc/key-range.ts';
import { KeyTree } from '../../../src/datastore/mvcc/key-tree.ts';

const range = (start: string, end: string | undefined): KeyRange => ({ start, end, single: false });

function scan(tree: KeyTree, over: KeyRange): string[] {
  const found: string[] = [];
  tree.scan(over, ({ key }) => found.push(key) > 0);
  return found;
}

describe('KeyTree', () => {
  test('finds, adds and removes keys', () => {
    const tree = new KeyTree();
    const history = new KeyHistory(1, 'a');
    expect(tree.get('a')).toBeUndefined();
    tree.add(history);
    expect(tree.get('a')).toBe(history);
    expect(tree.size).toBe(1);
    tree.remove(history);
    expect(tree.get('a')).toBeUndefined();
    expect(scan(tree, range('', undefined))).toEqual([]);
  });

  test('stops scanning when told to', () => {
    const tree = new KeyTree();
    for (const key of ['a', 'b', 'c']) tree.add(new KeyHistory(1, key));
    const found: string[] = [];
    tree.scan(range('', undefined), ({ key }) => {
      found.push(key);
      return found.length < 2;
    });
    expect(found).toEqual(['a', 'b']);
  });

  test('keeps thousands of keys in order through many leaves, whatever the order of their arrival', () => {
    const keys = Array.from({ length: 5000 }, (_, at) => `k/${(at * 7919) % 5000}`);
    const tree = new KeyTree();
    for (const key of keys) tree.add(new KeyHistory(1, key));
    const sorted = keys.toSorted();
    expect(scan(tree, range('', undefined))).toEqual(sorted);
    for (const key of keys.slice(0, 4990)) tree.remove(tree.get(key) as KeyHistory);
    expect(scan(tree, range('', undefined))).toEqual(keys.slice(4990).toSorted());
  });

  test('agrees with a sorted list on every range and count', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\0', '\xff'), maxLength: 4 });
    const step = fc.record({ key, action: fc.constantFrom('add', 'remove', 'live', 'dead') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), key, fc.option(key, { nil: undefined }), (steps, start, end) => {
        const tree = new KeyTree();
        const model = new Map<string, boolean>();
        for (const { key: name, action } of steps) {
          const history = tree.get(name);
          expect(history !== undefined).toBe(model.has(name));
          if (history === undefined && action === 'add') {
            tree.add(new KeyHistory(1, name));
            model.set(name, false);
          } else if (history !== undefined && action === 'remove') {
            tree.remove(history);
            model.delete(name);
          } else if (history !== undefined && action !== 'add') {
            tree.setLive(history, action === 'live');
            model.set(name, action === 'live');
          }
        }
        const inside = [...model].filter(([name]) => name >= start && (end === undefined || name < end));
        expect(scan(tree, range(start, end))).toEqual(inside.map(([name]) => name).sort());
        expect(tree.countLive(range(start, end))).toBe(inside.filter(([, live]) => live).length);
        expect(tree.size).toBe(model.size);
      }),
    );
  });

  test('counts live keys across leaves that have been split', () => {
    const tree = new KeyTree();
    for (let at = 0; at < 3000; at++) {
      const history = new KeyHistory(at, `p/${String(at).padStart(5, '0')}`);
      tree.add(history);
      tree.setLive(history, at % 3 === 0);
    }
    expect(tree.countLive(range('', undefined))).toBe(1000);
    expect(tree.countLive(range('p/00000', 'p/00300'))).toBe(100);
    expect(tree.countLive(range('p/00150', 'p/02850'))).toBe(900);
    expect(tree.countLive(range('p/9', 'p/0'))).toBe(0);
  });
});
