import { describe, expect, test } from 'vitest';
import { withConditions } from '../../src/framework/conditions.ts';

const at = (time: string): number => Date.parse(time);
const ready = { type: 'Ready', status: 'False', reason: 'Installing', message: '1 of 2' } as const;

describe('withConditions', () => {
  test('adds a condition with the time and the generation', () => {
    expect(withConditions([], [ready], 3, at('2026-01-01T00:00:00.789Z'))).toEqual([
      { ...ready, lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 3 },
    ]);
  });

  test('keeps the transition time while only reason, message or generation change', () => {
    const first = withConditions([], [ready], 1, at('2026-01-01T00:00:00Z'));
    const second = withConditions(
      first,
      [{ ...ready, reason: 'Waiting', message: '2 of 2' }],
      2,
      at('2026-01-02T00:00:00Z'),
    );
    expect(second).toEqual([
      {
        ...ready,
        reason: 'Waiting',
        message: '2 of 2',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 2,
      },
    ]);
  });

  test('moves the transition time when the status changes', () => {
    const first = withConditions([], [ready], 1, at('2026-01-01T00:00:00Z'));
    const second = withConditions(first, [{ ...ready, status: 'True' }], 1, at('2026-01-02T00:00:00Z'));
    expect(second[0]?.lastTransitionTime).toBe('2026-01-02T00:00:00Z');
  });

  test('leaves conditions of other types as they are, and the order too', () => {
    const foreign = { ...ready, type: 'Foreign', lastTransitionTime: '2020-01-01T00:00:00Z' };
    const both = withConditions([foreign], [ready], undefined, at('2026-01-01T00:00:00Z'));
    const again = withConditions(both, [{ ...ready, status: 'True' }], undefined, at('2026-01-02T00:00:00Z'));
    expect(again.map(({ type }) => type)).toEqual(['Foreign', 'Ready']);
    expect(again[0]).toBe(foreign);
    expect(again[1]).not.toHaveProperty('observedGeneration');
  });
});
