import { describe, expect, test } from 'vitest';
import { LineSplitter, severityOf } from '../../../src/bootstrap/processes/output.ts';

describe('severityOf', () => {
  test.each([
    ['I1121 03:02:48.123456   42 server.go:12] Starting', 'info'],
    ['W1121 03:02:48.123456   42 server.go:12] Deprecated', 'warn'],
    ['E1121 03:02:48.123456   42 server.go:12] Failed', 'error'],
    ['F1121 03:02:48.123456   42 server.go:12] Fatal', 'error'],
    ['time="2026-11-21T03:02:48Z" level=warning msg="cgroup v1"', 'warn'],
    ['{"level":"error","ts":"2026-11-21","msg":"lost leader"}', 'error'],
    ['Running kube-apiserver --secure-port=6444', 'info'],
  ] as const)('%s is %s', (line, level) => {
    expect(severityOf(line)).toBe(level);
  });
});

describe('LineSplitter', () => {
  function make(limit?: number) {
    const lines: string[] = [];
    return { lines, splitter: new LineSplitter((line) => lines.push(line), limit) };
  }

  test('puts lines together that arrive in pieces, also within a character', () => {
    const { lines, splitter } = make();
    const bytes = Buffer.from('first: größe\nsecond');
    for (const byte of bytes) splitter.push(Buffer.of(byte));
    splitter.end();
    expect(lines).toEqual(['first: größe', 'second']);
  });

  test('does not let a line without an end grow without bound', () => {
    const { lines, splitter } = make(10);
    splitter.push(Buffer.from('x'.repeat(25)));
    expect(lines).toEqual(['x'.repeat(25)]);
  });
});
