import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BENCHMARKS } from '../../bench/catalogue.ts';
import { PERFORMANCE_DOCUMENT, replaceSection } from '../../bench/performance-document.ts';

describe('docs/performance.md', () => {
  test('gets what was measured between the markers and keeps the rest', () => {
    const document = 'before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n<!-- begin b -->\n<!-- end b -->\n';
    expect(replaceSection(document, 'a', 'new')).toBe(
      'before\n<!-- begin a -->\nnew\n<!-- end a -->\nafter\n<!-- begin b -->\n<!-- end b -->\n',
    );
  });

  test('without the markers is left alone, and the error says what to add', () => {
    expect(() => replaceSection('text', 'a', 'new')).toThrow(
      expect.objectContaining({ code: 'K3S_BENCH_DOCUMENT', hint: expect.stringContaining('<!-- begin a -->') }),
    );
  });

  test('has a section for every benchmark', () => {
    const document = readFileSync(PERFORMANCE_DOCUMENT, 'utf8');
    for (const name of Object.keys(BENCHMARKS)) expect(replaceSection(document, name, 'x')).toContain('x');
  });
});
