import { expect, test } from 'vitest';
import { changesNothing } from '../../src/framework/merge-patch.ts';

test.each([
  [{ a: 1, b: 2 }, { a: 1 }, true],
  [{ a: 1 }, { a: 2 }, false],
  [{ a: 1 }, { b: null }, true],
  [{ a: 1 }, { a: null }, false],
  [{ a: 1 }, { b: undefined }, true],
  [{ a: { b: 1, c: 2 } }, { a: { c: 2 } }, true],
  [{ a: { b: 1 } }, { a: { c: 2 } }, false],
  [{ a: [1, 2] }, { a: [1, 2] }, true],
  [{ a: [1, 2] }, { a: [2, 1] }, false],
  [{ a: 1 }, { a: {} }, false],
  [{}, {}, true],
])('%j merged with %j is unchanged: %s', (target, patch, expected) => {
  expect(changesNothing(target, patch)).toBe(expected);
});
