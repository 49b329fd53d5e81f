import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LARGEST_MANIFEST, manifestReader, readManifest } from '../../../src/controllers/manifests/manifest-file.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'k3s-manifest-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("a manifest's text comes with the SHA-256 of its bytes", async () => {
  await writeFile(join(root, 'a.yaml'), 'a: é\n');
  expect(await readManifest(join(root, 'a.yaml'))).toEqual({
    text: 'a: é\n',
    checksum: createHash('sha256').update('a: é\n').digest('hex'),
  });
});

test('a file above the limit is refused without being read, with its size and what to do', async () => {
  const path = join(root, 'large.yaml');
  await using file = await open(path, 'w');
  await file.truncate(LARGEST_MANIFEST + 1024 * 1024);
  await expect(readManifest(path)).rejects.toMatchObject({
    code: 'K3S_MANIFEST_TOO_LARGE',
    message: `${path} is 11.0 MiB, and a manifest may have 10`,
    hint: 'Split it into several files.',
  });
});

test('a binary file is refused', async () => {
  await writeFile(join(root, 'a.yaml'), Buffer.from([0x1f, 0x8b, 0xff, 0xfe]));
  await expect(readManifest(join(root, 'a.yaml'))).rejects.toMatchObject({
    code: 'K3S_MANIFEST_UNREADABLE',
    message: `${join(root, 'a.yaml')} is not UTF-8 text`,
  });
});

test('a missing file is nothing, a folder in its place is worth another try', async () => {
  expect(await readManifest(join(root, 'none.yaml'))).toBeUndefined();
  await expect(readManifest(root)).rejects.toMatchObject({ code: 'K3S_MANIFEST_UNREADABLE', retryable: true });
});

test.each(['/etc/passwd', '..', '../other/a.yaml', ''])('a reader for one directory does not read %j', async (path) => {
  const reader = manifestReader(join(root, 'manifests'));
  await expect(reader.read(path.startsWith('/') ? path : join(root, 'manifests', path))).rejects.toMatchObject({
    code: 'K3S_MANIFEST_UNREADABLE',
    message: expect.stringContaining('is not in the manifest directory'),
  });
});
