import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff } from '../../src/cluster/backoff.ts';
import { seededRandom } from '../../src/core/random.ts';

const options = { base: 800, cap: 30_000, resetAfter: 120_000 };
const always = (value: number) => ({ next: () => value });

describe('a back-off', () => {
  test('doubles its bound from the base to the cap', () => {
    const backoff = new Backoff(options, always(0.999_999));
    const delays = Array.from({ length: 8 }, () => Math.round(backoff.failed(0)));
    expect(delays).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect(backoff.failures).toBe(8);
  });

  test('stays within its bound for every chance and any number of failures', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2000 }), (seed, failures) => {
        const backoff = new Backoff(options, seededRandom(seed));
        for (let failure = 0; failure < failures; failure++) {
          const delay = backoff.failed(0);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThan(Math.min(30_000, 800 * 2 ** failure));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('begins anew after the time of health, counted from the first success after a failure', () => {
    const backoff = new Backoff(options, always(0.5));
    backoff.failed(0);
    backoff.failed(0);
    backoff.succeeded(1_000);
    backoff.succeeded(100_000);
    expect(backoff.failed(121_000)).toBe(400);
    expect(backoff.failures).toBe(1);
  });

  test('goes on where it was when the health did not last', () => {
    const backoff = new Backoff(options, always(0.5));
    backoff.failed(0);
    backoff.succeeded(1_000);
    expect(backoff.failed(120_999)).toBe(800);
    backoff.succeeded(121_000);
    expect(backoff.failed(122_000)).toBe(1600);
  });
});
