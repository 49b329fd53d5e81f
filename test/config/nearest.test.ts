import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../src/config/nearest.ts';

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['abc', '', 3],
  ['token', 'token', 0],
  ['tokn', 'token', 1],
  ['tokken', 'token', 1],
  ['toxen', 'token', 1],
  ['tokne', 'token', 1],
  ['kitten', 'sitting', 3],
])('%j and %j are %i edits apart', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

test('the nearest name wins, the first of equals', () => {
  expect(nearest('node-lable', ['node-name', 'node-label', 'node-taint'])).toBe('node-label');
  expect(nearest('b', ['a', 'c'])).toBe('a');
  expect(nearest('x', [])).toBeUndefined();
});
