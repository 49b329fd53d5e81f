import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Child, describeExit, type ProcessDefinition } from '../../../src/bootstrap/processes/child.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { createLogger } from '../../../src/core/log.ts';

function make(script: string, stopTimeout = 10_000) {
  const folder = mkdtempSync(join(tmpdir(), 'child-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const definition: ProcessDefinition = {
    name: 'example',
    command: '/bin/sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin' },
    cwd: folder,
    stopTimeout,
    logFile: join(folder, 'example.log'),
  };
  const lines: string[] = [];
  const log = createLogger({ clock: systemClock, level: 'info', format: 'json', write: (line) => lines.push(line) });
  return { definition, lines, start: () => Child.start(definition, systemClock, log) };
}

describe('Child', () => {
  test('reports how the process ended, with its output in its file and in the main log under its name', async () => {
    const { definition, lines, start } = make('echo "E0101 00:00:00.0 broken"; exit 3');
    const child = await start();
    expect(describeExit(await child.exited)).toBe('exit status 3');
    expect(child.running).toBe(false);
    expect(child.lastLine).toBe('E0101 00:00:00.0 broken');
    expect(readFileSync(definition.logFile, 'utf8')).toBe('E0101 00:00:00.0 broken\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ process: 'example', level: 'error' });
  });

  test('is stopped by SIGTERM', async () => {
    const { start } = make('echo ready; exec sleep 1000');
    const child = await start();
    expect(describeExit(await child.stop())).toBe('killed by SIGTERM');
  });

  test('is killed when it does not heed SIGTERM within its time', async () => {
    const { definition, start } = make("trap '' TERM; echo ready; while :; do sleep 0.01; done", 50);
    const child = await start();
    // The trap is set once the first line is out.
    while (!readIfThere(definition.logFile).includes('ready')) await systemClock.sleep(5);
    expect(describeExit(await child.stop())).toBe('killed by SIGKILL');
  });

  test('names the program that cannot be run', async () => {
    const { definition } = make('');
    const broken = { ...definition, command: '/no/such/program' };
    const log = createLogger({ clock: systemClock, level: 'error', format: 'json', write: () => undefined });
    await expect(Child.start(broken, systemClock, log)).rejects.toThrow('cannot run /no/such/program for example');
  });
});

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
