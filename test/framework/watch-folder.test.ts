import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchFolder } from '../../src/framework/watch-folder.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'k3s-watch-folder-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('creation, atomic replacement, removal and creation again are each noticed', async () => {
  let noticed = Promise.withResolvers<void>();
  using _ = watchFolder(root, () => noticed.resolve());
  const path = join(root, 'a.yaml');
  const replace = async (): Promise<void> => {
    await writeFile(`${root}.new`, 'a: 2\n');
    await rename(`${root}.new`, path);
  };
  for (const change of [() => writeFile(path, 'a: 1\n'), replace, () => rm(path), () => writeFile(path, 'a: 3\n')]) {
    noticed = Promise.withResolvers<void>();
    await change();
    // Real events come in real time; without them this test times out.
    await noticed.promise;
  }
});

test('a folder that cannot be watched gives no hints and no error', () => {
  using watched = watchFolder(join(root, 'missing'), () => expect.unreachable());
  expect(watched).toBeDefined();
});
