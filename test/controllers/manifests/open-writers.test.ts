import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stampOf } from '../../../src/controllers/manifests/directory-scan.ts';
import { openForWriting } from '../../../src/controllers/manifests/open-writers.ts';

let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'k3s-writers-')), 'a.yaml');
  await writeFile(path, 'a: 1\n');
});
afterEach(() => rm(join(path, '..'), { recursive: true, force: true }));

const identity = async () => stampOf(await stat(path));

test.each(['w', 'a', 'r+'])('a file that is open with flags %s is being written', async (flags) => {
  await using _ = await open(path, flags);
  const file = await identity();
  expect([...(await openForWriting([file]))]).toEqual([file]);
});

test('a file that is open for reading only is not', async () => {
  await using _ = await open(path, 'r');
  expect([...(await openForWriting([await identity()]))]).toEqual([]);
});

test('a file that was closed is not', async () => {
  await (await open(path, 'w')).close();
  expect([...(await openForWriting([await identity()]))]).toEqual([]);
});

test('where there is no /proc nobody is seen writing', async () => {
  await using _ = await open(path, 'w');
  expect([...(await openForWriting([await identity()], '/nonexistent'))]).toEqual([]);
});
