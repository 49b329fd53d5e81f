import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** A file of the output directory; `path` is relative to it. */
export interface BuiltFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
}

export interface BuiltImage extends BuiltFile {
  readonly reference: string;
}

/** Content of `components.json`, by which the launcher installs the components. */
export interface ComponentSet {
  /** Changes when any byte of any file or image does. */
  readonly hash: string;
  readonly files: readonly BuiltFile[];
  readonly images: readonly BuiltImage[];
}

export function componentSet(files: readonly BuiltFile[], images: readonly BuiltImage[]): ComponentSet {
  const byPath = (a: BuiltFile, b: BuiltFile): number => (a.path < b.path ? -1 : 1);
  const sorted = { files: files.toSorted(byPath), images: images.toSorted(byPath) };
  const hash = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32);
  return { hash, ...sorted };
}

export async function describeFile(directory: string, path: string): Promise<BuiltFile> {
  const full = join(directory, path);
  const { size, mode } = await stat(full);
  const hash = createHash('sha256');
  await pipeline(createReadStream(full), hash);
  return { path, size, sha256: hash.digest('hex'), mode: mode & 0o777 };
}
