import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archiveFormat, ctrImageStore, parseImageList, parseImported } from '../../src/node/image-store.ts';

test.each([
  ['a.tar', 'none'],
  ['sub/a.tar.gz', 'gzip'],
  ['a.tgz', 'gzip'],
  ['a.tar.zst', 'zstd'],
  ['a.tzst', 'zstd'],
  ['a.txt', undefined],
  ['tar', undefined],
])('the format of %s is %s', (name, expected) => {
  expect(archiveFormat(name)).toBe(expected);
});

test('the list of images is read from the columns of ctr', () => {
  const table = [
    'REF               TYPE                                       DIGEST        SIZE      PLATFORMS   LABELS',
    'k3s.local/pause:1 application/vnd.oci.image.manifest.v1+json sha256:aaaa   358.0 KiB linux/amd64 io.cri-containerd.pinned=pinned',
    'sha256:bbbb       application/vnd.oci.image.index.v1+json    sha256:cccc   1.2 MiB   linux/amd64 -',
    '',
  ].join('\n');
  expect([...parseImageList(table)]).toEqual([
    ['k3s.local/pause:1', 'sha256:aaaa'],
    ['sha256:bbbb', 'sha256:cccc'],
  ]);
});

test('imported images are read from the lines that ctr prints', () => {
  const printed = 'unpacking k3s.local/a:1 (sha256:aa)...done\nunpacking k3s.local/b:2 (sha256:bb)...done\n';
  expect([...parseImported(printed)]).toEqual([
    ['k3s.local/a:1', 'sha256:aa'],
    ['k3s.local/b:2', 'sha256:bb'],
  ]);
});

describe('ctrImageStore', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'image-store-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A stand-in for ctr that records its arguments and its input. */
  async function stand(script: string): Promise<ReturnType<typeof ctrImageStore>> {
    const program = join(folder, 'ctr');
    await writeFile(program, `#!/bin/sh\necho "$@" > ${folder}/arguments\n${script}\n`);
    await chmod(program, 0o755);
    return ctrImageStore({ command: [program, 'images-client'], socket: '/run/x.sock', snapshotter: 'native' });
  }

  test('unpacks compressed archives on the way and pins what it imports', async () => {
    const store = await stand(`cat > ${folder}/input; echo 'unpacking a:1 (sha256:1)...done'`);
    const packed = { 'a.tar': Buffer.from('TAR'), 'a.tgz': gzipSync('TAR'), 'a.tar.zst': zstdCompressSync('TAR') };
    for (const [name, content] of Object.entries(packed)) {
      await writeFile(join(folder, name), content);
      expect([...(await store.import(join(folder, name)))]).toEqual([['a:1', 'sha256:1']]);
      expect(await readFile(join(folder, 'input'), 'utf8')).toBe('TAR');
    }
    expect((await readFile(join(folder, 'arguments'), 'utf8')).trim()).toBe(
      'images-client --address /run/x.sock --namespace k8s.io images import --local --label io.cri-containerd.pinned=pinned --snapshotter native -',
    );
  });

  test('names the archive and quotes what ctr said when an import fails', async () => {
    const store = await stand('echo "ctr: unrecognized image format" >&2; exit 1');
    await writeFile(join(folder, 'a.tar'), Buffer.alloc(4_000_000));
    const failure = await store.import(join(folder, 'a.tar')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'K3S_IMAGE_IMPORT', fields: { archive: join(folder, 'a.tar') } });
    expect(failure).toHaveProperty('cause.message', expect.stringContaining('unrecognized image format'));
  });

  test('an archive that is not what its name says fails instead of hanging', async () => {
    const store = await stand('cat > /dev/null');
    await writeFile(join(folder, 'a.tgz'), 'not gzip at all');
    await expect(store.import(join(folder, 'a.tgz'))).rejects.toMatchObject({ code: 'K3S_IMAGE_IMPORT' });
  });
});
