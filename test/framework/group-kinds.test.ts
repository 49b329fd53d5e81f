import { expect, test } from 'vitest';
import { formatKinds, parseKinds } from '../../src/framework/group-kinds.ts';

const kinds = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
];

test('kinds are written as k3s writes them', () => {
  expect(formatKinds([...kinds, ...kinds])).toBe('/v1, Kind=ConfigMap;apps/v1, Kind=Deployment');
});

test('what was written is read back', () => {
  expect(parseKinds(formatKinds(kinds))).toEqual(kinds);
});

test.each([
  [undefined, []],
  ['', []],
  ['nonsense;apps/v1, Kind=Deployment; ;/v1, Kind=', [{ apiVersion: 'apps/v1', kind: 'Deployment' }]],
])('what is not of the format is left out of %j', (text, expected) => {
  expect(parseKinds(text)).toEqual(expected);
});
