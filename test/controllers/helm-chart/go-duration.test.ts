import { expect, test } from 'vitest';
import { parseGoDuration } from '../../../src/controllers/helm-chart/go-duration.ts';

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5m', 90_000],
  ['250ms', 250],
  ['1m0.5s', 60_500],
  ['10us', 0.01],
  ['.5s', 500],
  ['+5m', 300_000],
])('%s is %d ms', (text, expected) => {
  expect(parseGoDuration(text)).toBeCloseTo(expected, 6);
});

test.each(['', '5', '5 m', 'm', '1d', '-5m', '0s', '1h 30m', '5m;', '1..5s'])('%j is no duration to wait', (text) => {
  expect(parseGoDuration(text)).toBeUndefined();
});
