import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { archivesToImport, importImages, linkComponentImages } from '../../src/node/images.ts';
import type { ImageStore } from '../../src/node/image-store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'images-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A store in memory: an archive's images are the lines of the file; a file that says `broken` cannot be imported. */
function memoryStore(): ImageStore & { images: Map<string, string>; calls: string[] } {
  const images = new Map<string, string>();
  const calls: string[] = [];
  return {
    images,
    calls,
    list: () => Promise.resolve(new Map(images)),
    async import(archive) {
      calls.push(archive);
      const text = await readFile(archive, 'utf8');
      if (text === 'broken') throw new Error('unexpected EOF');
      const found = text.split('\n').map((reference): [string, string] => [reference, `sha256:${reference}`]);
      for (const [reference, digest] of found) images.set(reference, digest);
      return new Map(found);
    },
  };
}

describe('archivesToImport', () => {
  const archive = { name: 'a.tar', size: 10, modified: 5 };
  const cache = { 'a.tar': { size: 10, modified: 5, images: { x: 'sha256:1', y: 'sha256:2' } } };
  const present = new Map([
    ['x', 'sha256:1'],
    ['y', 'sha256:2'],
  ]);

  test.each([
    ['an unchanged archive whose images are all there is skipped', archive, cache, present, []],
    ['an archive never seen is imported', archive, {}, present, [archive]],
    ['another size', { ...archive, size: 11 }, cache, present, [{ ...archive, size: 11 }]],
    ['another time', { ...archive, modified: 6 }, cache, present, [{ ...archive, modified: 6 }]],
    ['an image that was removed from the store', archive, cache, new Map([['x', 'sha256:1']]), [archive]],
    ['an image that was replaced in the store', archive, cache, new Map([...present, ['y', 'sha256:3']]), [archive]],
  ])('%s', (_, given, known, there, expected) => {
    expect(archivesToImport([given], known, there)).toEqual(expected);
  });

  test('small archives come first', () => {
    const large = { name: 'b.tar', size: 99, modified: 1 };
    expect(archivesToImport([large, archive], {}, new Map())).toEqual([archive, large]);
  });
});

describe('importImages', () => {
  test('imports every archive once, also from subfolders, and leaves other files alone', async () => {
    const store = memoryStore();
    await mkdir(join(folder, 'more'));
    await writeFile(join(folder, 'one.tar'), 'app:1\napp:2');
    await writeFile(join(folder, 'more', 'two.tar.zst'), 'db:1');
    await writeFile(join(folder, 'README'), 'nothing');
    const first = await importImages(folder, store, silentLogger);
    expect(first.imported.flatMap(({ images }) => images).sort()).toEqual(['app:1', 'app:2', 'db:1']);
    const second = await importImages(folder, store, silentLogger);
    expect(second).toEqual({ imported: [], unchanged: ['more/two.tar.zst', 'one.tar'], failed: [] });
    expect(store.calls).toHaveLength(2);
  });

  test('imports again what has been deleted from the store, and what has been replaced on disk', async () => {
    const store = memoryStore();
    await writeFile(join(folder, 'one.tar'), 'app:1');
    await importImages(folder, store, silentLogger);
    store.images.clear();
    expect((await importImages(folder, store, silentLogger)).imported).toHaveLength(1);
    await writeFile(join(folder, 'one.tar'), 'app:2');
    await utimes(join(folder, 'one.tar'), 1, 1);
    expect((await importImages(folder, store, silentLogger)).imported).toEqual([
      { archive: 'one.tar', images: ['app:2'] },
    ]);
  });

  test('a broken archive is reported and tried again at the next start; the others come in', async () => {
    const store = memoryStore();
    await writeFile(join(folder, 'bad.tar'), 'broken');
    await writeFile(join(folder, 'good.tar'), 'a-longer-name:1');
    const report = await importImages(folder, store, silentLogger);
    expect(report.failed.map(({ archive }) => archive)).toEqual(['bad.tar']);
    expect(report.imported.map(({ archive }) => archive)).toEqual(['good.tar']);
    expect((await importImages(folder, store, silentLogger)).failed).toHaveLength(1);
  });

  test('a damaged cache file costs an import, not a start', async () => {
    const store = memoryStore();
    await writeFile(join(folder, 'one.tar'), 'app:1');
    for (const damaged of ['{"one.tar":', 'null', '{"one.tar":{"size":5}}']) {
      await writeFile(join(folder, '.cache.json'), damaged);
      expect((await importImages(folder, store, silentLogger)).imported).toHaveLength(1);
    }
  });

  test('a directory that does not exist holds no archives', async () => {
    const report = await importImages(join(folder, 'absent'), memoryStore(), silentLogger);
    expect(report).toEqual({ imported: [], unchanged: [], failed: [] });
  });
});

describe('linkComponentImages', () => {
  test('links what the components bring, replaces links of an earlier build, and keeps the user’s files', async () => {
    const images = join(folder, 'images');
    const out = join(folder, 'out');
    await mkdir(images);
    await mkdir(out);
    await writeFile(join(images, 'own.tar'), 'mine');
    await symlink(join(out, 'coredns-1.tar'), join(images, 'coredns-1.tar'));
    await symlink('/elsewhere/pause.tar', join(images, 'pause.tar'));
    await symlink('/elsewhere/users.tar', join(images, 'users.tar'));
    const wanted = [
      { reference: 'k3s.local/pause:1', path: join(out, 'pause.tar') },
      { reference: 'k3s.local/coredns:2', path: join(out, 'coredns-2.tar') },
    ];
    await linkComponentImages(images, wanted);
    await linkComponentImages(images, wanted);
    expect((await readdir(images)).sort()).toEqual(['coredns-2.tar', 'own.tar', 'pause.tar', 'users.tar']);
    expect(await readlink(join(images, 'pause.tar'))).toBe(join(out, 'pause.tar'));
  });
});
