import { expect, test } from 'vitest';
import { revisionOf } from '../../src/cluster/resource-version.ts';

test('resource versions longer than a double are still told apart', () => {
  expect(revisionOf('9007199254740993') > revisionOf('9007199254740992')).toBe(true);
  expect(revisionOf('10') > revisionOf('9')).toBe(true);
});

test('what is not a number is older than everything', () => {
  for (const odd of [undefined, '', 'abc', '-5', '1.5', ' 7']) expect(revisionOf(odd)).toBe(0n);
});
