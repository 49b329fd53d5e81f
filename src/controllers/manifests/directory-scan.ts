import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { K3sError, systemErrorCode } from '../../core/errors.ts';

/** What tells one content of a file from another without reading it. Times are milliseconds since the epoch. */
export interface FileStamp {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly modified: number;
  /** The inode's change time: unlike `modified` it cannot be set, so it says when the file really was last written. */
  readonly changed: number;
}

export interface DirectoryScan {
  /** By path relative to the root, with `/`. */
  readonly files: ReadonlyMap<string, FileStamp>;
  /** Files that have a `.skip` file beside them, whether they exist or not. */
  readonly skipped: ReadonlySet<string>;
  /** Every folder that was read, for watching. A folder that was replaced has another inode. */
  readonly folders: readonly { readonly path: string; readonly inode: number }[];
  /** Files, and folders ending in `/`, relative to the root, of which nothing is known now. */
  readonly unreadable: readonly { readonly path: string; readonly error: unknown }[];
}

const MANIFEST = /\.(ya?ml|json)$/i;

/**
 * Finds the manifests under `root`: `.yaml`, `.yml` and `.json` in it and in its folders, at any depth. Names that begin with a dot
 * are ignored. A link to a folder is followed if it stands in the root itself, a link to a file anywhere.
 * Rejects with K3S_MANIFESTS_DIRECTORY when the root cannot be read: that must never look like an empty one.
 */
export async function scanDirectory(root: string): Promise<DirectoryScan> {
  const files = new Map<string, FileStamp>();
  const skipped = new Set<string>();
  const folders: { path: string; inode: number }[] = [];
  const unreadable: { path: string; error: unknown }[] = [];

  const visit = async (folder: string): Promise<void> => {
    const path = resolve(root, folder);
    const entries = await readdir(path, { withFileTypes: true });
    folders.push({ path, inode: (await stat(path)).ino });
    for (const entry of entries.sort(byName)) {
      if (!entry.name.startsWith('.')) await orUnreadable(`${folder}${entry.name}`, () => look(folder, entry));
    }
  };

  const look = async (folder: string, entry: Dirent): Promise<void> => {
    const key = `${folder}${entry.name}`;
    if (entry.isDirectory()) return visit(`${key}/`);
    if (entry.name.endsWith('.skip')) {
      skipped.add(key.slice(0, -'.skip'.length));
      return;
    }
    const manifest = MANIFEST.test(entry.name);
    if (!(manifest && entry.isFile()) && !entry.isSymbolicLink()) return;
    const stats = await statIfThere(join(root, key));
    if (stats?.isDirectory() && folder === '') return visit(`${key}/`);
    if (stats?.isFile() && manifest) files.set(key, stampOf(stats));
  };

  const orUnreadable = async (path: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isMissing(error)) unreadable.push({ path, error });
    }
  };

  try {
    await visit('');
  } catch (cause) {
    throw new K3sError('K3S_MANIFESTS_DIRECTORY', `the manifest directory ${root} cannot be read`, {
      fields: { root },
      cause,
      retryable: true,
      hint: 'Nothing is deployed or removed until it can be.',
    });
  }
  return { files, skipped, folders, unreadable };
}

export function stampOf(stats: Stats): FileStamp {
  return {
    device: stats.dev,
    inode: stats.ino,
    size: stats.size,
    modified: stats.mtimeMs,
    changed: stats.ctimeMs,
  };
}

/** Undefined when there is no such file, or a link leads nowhere. */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemErrorCode(error) ?? '');
}

/** By code units: the order in which files are deployed must not depend on the locale. */
function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
