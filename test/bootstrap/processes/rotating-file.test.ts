import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RotatingFile } from '../../../src/bootstrap/processes/rotating-file.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rotating-file-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe('RotatingFile', () => {
  test('puts a full file aside and keeps no more than it was told to', () => {
    const path = join(folder(), 'logs/a.log');
    using file = new RotatingFile(path, { size: 10, kept: 2 });
    for (const line of ['one-----', 'two-----', 'three---', 'four----']) file.write(line);
    expect(readFileSync(path, 'utf8')).toBe('four----\n');
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('three---\n');
    expect(readFileSync(`${path}.2`, 'utf8')).toBe('two-----\n');
    expect(readdirSync(join(path, '..'))).toHaveLength(3);
  });

  test('goes on behind what a former process wrote', () => {
    const path = join(folder(), 'a.log');
    {
      using file = new RotatingFile(path);
      file.write('before');
    }
    using file = new RotatingFile(path);
    file.write('after');
    expect(readFileSync(path, 'utf8')).toBe('before\nafter\n');
  });

  test('survives a place that cannot be written to', () => {
    using file = new RotatingFile('/dev/null/a.log');
    expect(() => file.write('lost')).not.toThrow();
  });
});
