import { mkdir, readdir, readFile, readlink, stat, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { archiveFormat, type ImageDigests, type ImageStore } from './image-store.ts';

/** An image archive that was built with the components. */
export interface ComponentImage {
  reference: string;
  /** Absolute path of the archive. */
  path: string;
}

/** A file of the images directory as it is now. Times are in milliseconds since the epoch. */
export interface Archive {
  name: string;
  size: number;
  modified: number;
}

/** What `.cache.json` remembers of a file: its state when it was imported, and the images in it. */
interface ImportedArchive {
  size: number;
  modified: number;
  images: Record<string, string>;
}

export type ImportCache = Readonly<Record<string, ImportedArchive>>;

export interface ImportReport {
  imported: { archive: string; images: readonly string[] }[];
  unchanged: readonly string[];
  /** Archives that could not be imported; the others were. */
  failed: { archive: string; error: unknown }[];
}

const CACHE_FILE = '.cache.json';

/**
 * Links archives that came with the program into the images directory, so that they are imported like those of the user.
 * Links of an earlier version of the same components go away; the user's own files stay.
 */
export async function linkComponentImages(directory: string, images: readonly ComponentImage[]): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const wanted = new Map(images.map((image) => [basename(image.path), image.path]));
  const ours = new Set(images.map((image) => dirname(image.path)));
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const target = await readlink(join(directory, entry.name));
    if (wanted.get(entry.name) === target) wanted.delete(entry.name);
    else if (wanted.has(entry.name) || ours.has(dirname(target))) await unlink(join(directory, entry.name));
  }
  for (const [name, target] of wanted) await symlink(target, join(directory, name));
}

/**
 * Imports every archive of the directory (subfolders too) that is new, changed, or whose images are no longer in the store.
 * One archive that fails does not keep the others out. `.cache.json` beside them makes the next start quick.
 */
export async function importImages(
  directory: string,
  store: ImageStore,
  log: Logger,
  signal?: AbortSignal,
): Promise<ImportReport> {
  const archives = await findArchives(directory);
  if (archives.length === 0) return { imported: [], unchanged: [], failed: [] };
  const cachePath = join(directory, CACHE_FILE);
  const cache = parseCache(await readFile(cachePath, 'utf8').catch(() => '{}'));
  const todo = archivesToImport(archives, cache, await store.list(signal));
  const report: ImportReport = {
    imported: [],
    unchanged: archives.filter((archive) => !todo.includes(archive)).map(({ name }) => name),
    failed: [],
  };
  const next: Record<string, ImportedArchive> = {};
  for (const name of report.unchanged) next[name] = cache[name] as ImportedArchive;
  for (const archive of todo) {
    try {
      const images = await store.import(join(directory, archive.name), signal);
      next[archive.name] = { size: archive.size, modified: archive.modified, images: Object.fromEntries(images) };
      report.imported.push({ archive: archive.name, images: [...images.keys()] });
      log.info('imported images', { archive: archive.name, images: [...images.keys()] });
    } catch (error) {
      signal?.throwIfAborted();
      report.failed.push({ archive: archive.name, error });
      log.error('an image archive could not be imported', { archive: archive.name, error: describeError(error) });
    }
  }
  await writeFileAtomically(cachePath, `${JSON.stringify(next, null, 2)}\n`, 0o600);
  return report;
}

/** Small archives first: pods that need only those start while the rest is still coming in. */
export function archivesToImport(archives: readonly Archive[], cache: ImportCache, present: ImageDigests): Archive[] {
  const current = (archive: Archive): boolean => {
    const known = cache[archive.name];
    if (known === undefined || known.size !== archive.size || known.modified !== archive.modified) return false;
    return Object.entries(known.images).every(([reference, digest]) => present.get(reference) === digest);
  };
  return archives.filter((archive) => !current(archive)).sort((a, b) => a.size - b.size);
}

/** A cache that cannot be read means no more than importing once more. */
function parseCache(text: string): ImportCache {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter(([, entry]) => isImported(entry)));
  } catch {
    return {};
  }
}

function isImported(entry: unknown): entry is ImportedArchive {
  if (typeof entry !== 'object' || entry === null) return false;
  return (
    'size' in entry &&
    'modified' in entry &&
    'images' in entry &&
    typeof entry.images === 'object' &&
    entry.images !== null
  );
}

async function findArchives(directory: string): Promise<Archive[]> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const archives = await Promise.all(
    names
      .filter((name) => archiveFormat(name) !== undefined)
      .sort()
      .map(async (name): Promise<Archive[]> => {
        const found = await stat(join(directory, name)).catch(() => undefined);
        return found?.isFile() === true ? [{ name, size: found.size, modified: Math.trunc(found.mtimeMs) }] : [];
      }),
  );
  return archives.flat();
}
