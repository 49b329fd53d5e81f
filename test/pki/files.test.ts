import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readTextFile, removeFile, writeFileAtomic, writeFileIfChanged, writeSymlink } from '../../src/pki/files.ts';

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'k3s-files-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('writing a file', () => {
  test('replaces content and mode, and makes the directories that are missing', async () => {
    const path = join(await directory(), 'a/b/file');
    await writeFileAtomic(path, 'one', 0o644);
    await writeFileAtomic(path, 'two', 0o600);
    expect(await readFile(path, 'utf8')).toBe('two');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
  });

  test('gives the file its mode whatever the umask', async () => {
    const path = join(await directory(), 'file');
    await writeFileAtomic(path, 'x', 0o666);
    expect((await stat(path)).mode & 0o777).toBe(0o666);
  });

  test('replaces a symbolic link instead of writing through it', async () => {
    const path = await directory();
    await writeFile(join(path, 'target'), 'precious');
    await symlink('target', join(path, 'file'));
    await symlink('target', join(path, '.file.tmp'));
    await writeFileAtomic(join(path, 'file'), 'new', 0o600);
    expect(await readFile(join(path, 'target'), 'utf8')).toBe('precious');
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('new');
    expect((await readdir(path)).sort()).toEqual(['file', 'target']);
  });

  test('leaves the old content in place when it fails, and names the file', async () => {
    const path = await directory();
    await writeFile(join(path, 'file'), 'old');
    await mkdir(join(path, '.file.tmp'));
    await expect(writeFileAtomic(join(path, 'file'), 'new', 0o600)).rejects.toMatchObject({
      code: 'K3S_PKI_WRITE',
      message: `cannot write ${join(path, 'file')}`,
    });
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('old');
  });

  test('is skipped when the content is there already', async () => {
    const path = join(await directory(), 'file');
    await writeFileIfChanged(path, 'same', 0o644);
    const before = await stat(path);
    await writeFileIfChanged(path, 'same', 0o644);
    expect((await stat(path)).ino).toBe(before.ino);
    await writeFileIfChanged(path, 'other', 0o644);
    expect((await stat(path)).ino).not.toBe(before.ino);
  });
});

describe('a symbolic link', () => {
  test('replaces a file or another link, and stays when it is right', async () => {
    const path = await directory();
    const link = join(path, 'sub/link');
    await writeSymlink('one', link);
    await writeSymlink('two', link);
    expect(await readlink(link)).toBe('two');
    const before = await stat(path);
    await writeSymlink('two', link);
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
    await writeFile(join(path, 'file'), 'x');
    await writeSymlink('three', join(path, 'file'));
    expect(await readlink(join(path, 'file'))).toBe('three');
  });
});

test('a missing file reads as undefined and can be removed', async () => {
  const path = join(await directory(), 'missing');
  expect(await readTextFile(path)).toBeUndefined();
  await removeFile(path);
});
