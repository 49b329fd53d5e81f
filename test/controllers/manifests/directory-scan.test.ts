import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scanDirectory } from '../../../src/controllers/manifests/directory-scan.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'k3s-scan-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const put = async (...keys: string[]): Promise<void> => {
  for (const key of keys) {
    await mkdir(join(root, key, '..'), { recursive: true });
    await writeFile(join(root, key), key);
  }
};
const found = async (): Promise<string[]> => [...(await scanDirectory(root)).files.keys()];

test('manifests of every folder are found in the order of their paths, by extension in any case', async () => {
  await put('b.yml', 'a.yaml', 'sub/deep/c.JSON', 'sub/d.Yaml', 'notes.txt', 'e.yaml.bak', 'yaml');
  expect(await found()).toEqual(['a.yaml', 'b.yml', 'sub/d.Yaml', 'sub/deep/c.JSON']);
});

test('names that begin with a dot are ignored, folders included', async () => {
  await put('.a.yaml', '.git/b.yaml', 'sub/.c.yaml');
  expect(await found()).toEqual([]);
});

test('a folder with the name of a manifest is a folder', async () => {
  await put('dir.yaml/a.yaml');
  expect(await found()).toEqual(['dir.yaml/a.yaml']);
});

test('a .skip file marks the manifest beside it, also one that is not there', async () => {
  await put('a.yaml', 'a.yaml.skip', 'sub/b.yaml.skip');
  const scan = await scanDirectory(root);
  expect([...scan.skipped]).toEqual(['a.yaml', 'sub/b.yaml']);
});

test('a linked folder is followed in the root and nowhere else', async () => {
  await put('target/a.yaml', 'sub/b.yaml');
  await symlink(join(root, 'target'), join(root, 'linked'));
  await symlink(join(root, 'target'), join(root, 'sub', 'linked'));
  expect(await found()).toEqual(['linked/a.yaml', 'sub/b.yaml', 'target/a.yaml']);
});

test('a linked file is a manifest, a link to nowhere or in a circle is not', async () => {
  await put('elsewhere/real.txt');
  await symlink(join(root, 'elsewhere/real.txt'), join(root, 'a.yaml'));
  await symlink(join(root, 'missing'), join(root, 'b.yaml'));
  await symlink(join(root, 'c.yaml'), join(root, 'c.yaml'));
  expect(await found()).toEqual(['a.yaml']);
});

test('a folder that links to its own parent does not make the scan endless', async () => {
  await put('a.yaml');
  await symlink(root, join(root, 'self'));
  expect(await found()).toEqual(['a.yaml', 'self/a.yaml']);
});

test('every folder that was read is named, for watching', async () => {
  await put('sub/deep/a.yaml');
  const { folders } = await scanDirectory(root);
  expect(folders.map(({ path }) => path)).toEqual([root, join(root, 'sub'), join(root, 'sub/deep')]);
});

test('a root that is missing is an error and not an empty directory', async () => {
  await expect(scanDirectory(join(root, 'missing'))).rejects.toMatchObject({ code: 'K3S_MANIFESTS_DIRECTORY' });
});
