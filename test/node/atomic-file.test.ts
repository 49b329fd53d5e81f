import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFileAtomically } from '../../src/node/atomic-file.ts';

test('the new file replaces the old one whole, with the mode asked for, and leaves nothing beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atomic-file-'));
  try {
    const path = join(folder, 'deep', 'file');
    expect(await writeFileAtomically(path, 'one', 0o600)).toBe(true);
    await writeFile(path, 'changed by hand');
    expect(await writeFileAtomically(path, 'two', 0o644)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('two');
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(await writeFileAtomically(path, 'two', 0o644)).toBe(false);
    expect(await readdir(join(folder, 'deep'))).toEqual(['file']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
