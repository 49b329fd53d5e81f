import { describe, expect, test } from 'vitest';
import { K3sError } from '../../src/core/errors.ts';
import { createLogger, type LogFormat, type LogLevel } from '../../src/core/log.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';

function make(format: LogFormat, level: LogLevel = 'info') {
  const lines: string[] = [];
  const log = createLogger({
    clock: new VirtualClock('2026-01-01T00:00:00Z'),
    level,
    format,
    write: (line) => lines.push(line),
  });
  return { log, lines };
}

describe('createLogger', () => {
  test('writes one JSON object a line, with the bound fields and those of the call', () => {
    const { log, lines } = make('json');
    log.child({ controller: 'addon' }).info('applied', { key: 'kube-system/coredns', objects: 3 });
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-01-01T00:00:00.000Z',
      level: 'info',
      message: 'applied',
      controller: 'addon',
      key: 'kube-system/coredns',
      objects: 3,
    });
  });

  test('quotes values of text lines that hold spaces', () => {
    const { log, lines } = make('text');
    log.warn('retrying', { after: 200, reason: 'no route to host' });
    expect(lines).toEqual(['2026-01-01T00:00:00.000Z WARN  retrying after=200 reason="no route to host"']);
  });

  test('leaves out lines below its level', () => {
    const { log, lines } = make('text', 'warn');
    log.info('quiet');
    log.debug('quiet');
    expect(lines).toEqual([]);
  });

  test('never writes a secret, whoever passes it', () => {
    const { log, lines } = make('json');
    log.info('joined', { token: 'K10abc', password: 'hunter2' });
    expect(lines[0]).not.toContain('K10abc');
    expect(lines[0]).not.toContain('hunter2');
  });

  test('renders an error with its causes, code and hint', () => {
    const { log, lines } = make('text');
    const cause = new Error('EACCES');
    log.error('failed', {
      error: new K3sError('K3S_TEST_FAILED', 'cannot read x', { cause, hint: 'Check its mode.' }),
    });
    expect(lines[0]).toContain('cannot read x: EACCES (K3S_TEST_FAILED). Check its mode.');
  });
});
