import { describe, expect, test } from 'vitest';
import { contains, isEmpty, keyRange } from '../../../src/datastore/mvcc/key-range.ts';

describe('keyRange', () => {
  test('without an end is exactly one key', () => {
    const range = keyRange('a', '');
    expect(['', 'a', 'a\0', 'b'].map((key) => contains(range, key))).toEqual([false, true, false, false]);
    expect(range.single).toBe(true);
  });

  test('with an end is half open', () => {
    const range = keyRange('a', 'c');
    expect(['Z', 'a', 'b\xff', 'c'].map((key) => contains(range, key))).toEqual([false, true, true, false]);
  });

  test('with the end "\\0" has no upper bound', () => {
    expect(contains(keyRange('a', '\0'), '\xff\xff')).toBe(true);
    expect(contains(keyRange('a', '\0'), 'A')).toBe(false);
  });

  test.each([
    ['b', 'a', true],
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', '\0', false],
    ['a', '', false],
  ])('from %j to %j is empty: %s', (key, end, empty) => {
    expect(isEmpty(keyRange(key, end))).toBe(empty);
  });
});
