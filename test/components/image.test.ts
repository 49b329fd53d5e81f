import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { buildImage, type ImageRecipe } from '../../components/image.ts';

const program = Buffer.from('\x7fELF, as far as this test is concerned');

const recipe: ImageRecipe = {
  reference: 'k3s.local/pause:1.0.0',
  architecture: 'amd64',
  files: { '/pause': program, '/etc/note': Buffer.from('hello') },
  entrypoint: ['/pause'],
  user: '65535:65535',
};

interface Entry {
  name: string;
  mode: number | undefined;
  mtime: number | undefined;
  uid: number | undefined;
  content: Buffer;
}

async function untar(archive: Uint8Array): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const parser = extract();
  parser.end(Buffer.from(archive));
  for await (const entry of parser) {
    const { name, mode, mtime, uid } = entry.header;
    entries.push({ name, mode, mtime: mtime?.getTime(), uid, content: await buffer(entry) });
  }
  return entries;
}

async function blobs(archive: Uint8Array): Promise<(digest: string) => Buffer> {
  const entries = await untar(archive);
  return (digest) => {
    const entry = entries.find(({ name }) => name === `blobs/${digest.replace(':', '/')}`);
    if (entry === undefined) throw new Error(`no blob ${digest} among ${entries.map(({ name }) => name).join(', ')}`);
    return entry.content;
  };
}

interface Descriptor {
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

describe('an image', () => {
  test('has the same bytes whenever and in whatever order of files it is built', async () => {
    const reordered: ImageRecipe = {
      ...recipe,
      files: { '/etc/note': Buffer.from('hello'), '/pause': Buffer.from(program) },
    };
    expect(Buffer.compare(await buildImage(recipe), await buildImage(reordered))).toBe(0);
  });

  test('has other bytes for another program', async () => {
    const changed: ImageRecipe = { ...recipe, files: { ...recipe.files, '/pause': Buffer.from('another') } };
    expect(Buffer.compare(await buildImage(recipe), await buildImage(changed))).not.toBe(0);
  });

  test('stores every blob under its own digest, so that a damaged one is noticed', async () => {
    const stored = (await untar(await buildImage(recipe))).filter(({ name }) => name.startsWith('blobs/'));
    expect(stored).toHaveLength(3);
    for (const { name, content } of stored)
      expect(name).toBe(`blobs/sha256/${createHash('sha256').update(content).digest('hex')}`);
  });

  test('leads from its name to an executable program owned by root with no time of its own', async () => {
    const archive = await buildImage(recipe);
    const blob = await blobs(archive);
    const index = (await untar(archive)).find(({ name }) => name === 'index.json');
    const [named] = (JSON.parse(index?.content.toString() ?? '') as { manifests: Descriptor[] }).manifests;
    expect(named?.annotations?.['io.containerd.image.name']).toBe('k3s.local/pause:1.0.0');
    expect(named?.annotations?.['org.opencontainers.image.ref.name']).toBe('1.0.0');

    const manifest = JSON.parse(blob(named?.digest ?? '').toString()) as { config: Descriptor; layers: Descriptor[] };
    const config = JSON.parse(blob(manifest.config.digest).toString()) as {
      architecture: string;
      config: { User: string; Entrypoint: string[] };
      rootfs: { diff_ids: string[] };
    };
    expect(config.architecture).toBe('amd64');
    expect(config.config).toEqual({ User: '65535:65535', Entrypoint: ['/pause'] });

    const [layer] = manifest.layers;
    expect(config.rootfs.diff_ids).toEqual([layer?.digest]);
    const content = blob(layer?.digest ?? '');
    expect(layer?.size).toBe(content.length);
    expect(await untar(content)).toEqual([
      { name: 'etc/note', mode: 0o755, mtime: 0, uid: 0, content: Buffer.from('hello') },
      { name: 'pause', mode: 0o755, mtime: 0, uid: 0, content: program },
    ]);
  });

  test('runs as root where no user is named', async () => {
    const { user: _, ...rootless } = recipe;
    const entries = await untar(await buildImage(rootless));
    const configs = entries.map(({ content }) => content.toString()).filter((json) => json.includes('"rootfs"'));
    expect(configs).toHaveLength(1);
    expect(configs[0]).not.toContain('"User"');
  });
});
