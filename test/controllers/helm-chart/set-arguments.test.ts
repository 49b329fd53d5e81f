import { expect, test } from 'vitest';
import { setArguments } from '../../../src/controllers/helm-chart/set-arguments.ts';

test.each([
  [0, '--set', '0'],
  [-1, '--set', '-1'],
  ['42', '--set', '42'],
  ['true', '--set', 'true'],
  ['False', '--set', 'False'],
  ['NULL', '--set', 'NULL'],
  ['', '--set-string', ''],
  [' ', '--set-string', ' '],
  ['foo', '--set-string', 'foo'],
  ['1.0', '--set-string', '1.0'],
  ['10.42.0.0/16,fd42::/48', '--set-string', '10.42.0.0/16\\,fd42::/48'],
  ['a\\,b', '--set-string', 'a\\,b'],
  ['a\\\\,b', '--set-string', 'a\\\\\\,b'],
  ['a,,b', '--set-string', 'a\\,\\,b'],
])('%j is given with %s', (value, flag, text) => {
  expect(setArguments({ key: value })).toEqual([flag, `key=${text}`]);
});

test('keys are sorted, so that the same settings look the same', () => {
  expect(setArguments({ b: 1, a: 'x' })).toEqual(['--set-string', 'a=x', '--set', 'b=1']);
});
