import { describe, expect, test } from 'vitest';
import { median, metric } from '../../bench/benchmark.ts';
import { metricsTable, renderMarkdown, renderText } from '../../bench/table.ts';

describe('a metric', () => {
  test('meets its target up to and including the target itself, as it is shown', () => {
    const at = (ours: number): boolean => metric({ id: 'api', ours, peer: 100, unit: 's', target: 1.4 }).ok;
    expect([at(140), at(140.4), at(140.6)]).toEqual([true, true, false]);
  });

  test('holds what the command promises to programs', () => {
    expect(metric({ id: 'pss', ours: 300, peer: 400, unit: 'MB', target: 0.5 })).toEqual({
      id: 'pss',
      ours: 300,
      peer: 400,
      unit: 'MB',
      ratio: 0.75,
      target: 0.5,
      ok: false,
    });
  });
});

describe('the median', () => {
  test('is the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test('of nothing is an error', () => {
    expect(() => median([])).toThrow('no median of nothing');
  });
});

describe('a table', () => {
  const table = metricsTable([metric({ id: 'api', ours: 2.9, peer: 2.5, unit: 's', target: 1.4 })]);

  test('is aligned for people', () => {
    expect(renderText(table).split('\n')).toEqual([
      'Result',
      '      ours   peer  ratio  target',
      'api  2.9 s  2.5 s   1.16   ≤ 1.4  met',
    ]);
  });

  test('is a table of the document too', () => {
    expect(renderMarkdown(table).split('\n').slice(2)).toEqual([
      '|  | ours | peer | ratio | target |  |',
      '| --- | ---: | ---: | ---: | ---: | ---: |',
      '| api | 2.9 s | 2.5 s | 1.16 | ≤ 1.4 | met |',
    ]);
  });
});
