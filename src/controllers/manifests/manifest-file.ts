import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { K3sError, systemErrorCode } from '../../core/errors.ts';

/** A manifest above this size, in bytes, is refused: no set of objects that etcd's API can hold needs it. */
export const LARGEST_MANIFEST = 10 * 1024 * 1024;

export interface ManifestText {
  text: string;
  /** SHA-256 of the bytes, in hexadecimal. */
  checksum: string;
}

/** Undefined when there is no such file. Rejects with K3S_MANIFEST_TOO_LARGE or K3S_MANIFEST_UNREADABLE, which name the file. */
export async function readManifest(path: string): Promise<ManifestText | undefined> {
  const bytes = await readBytes(path);
  if (bytes === undefined) return undefined;
  try {
    return {
      text: new TextDecoder('utf-8', { fatal: true }).decode(bytes),
      checksum: createHash('sha256').update(bytes).digest('hex'),
    };
  } catch (cause) {
    throw new K3sError('K3S_MANIFEST_UNREADABLE', `${path} is not UTF-8 text`, { fields: { path }, cause });
  }
}

async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    if (size > LARGEST_MANIFEST) throw tooLarge(path, size);
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof K3sError) throw cause;
    if (systemErrorCode(cause) === 'ENOENT') return undefined;
    throw new K3sError('K3S_MANIFEST_UNREADABLE', `${path} cannot be read`, {
      fields: { path },
      cause,
      retryable: true,
    });
  }
}

function tooLarge(path: string, size: number): K3sError {
  const limit = LARGEST_MANIFEST / 1024 / 1024;
  return new K3sError(
    'K3S_MANIFEST_TOO_LARGE',
    `${path} is ${(size / 1024 / 1024).toFixed(1)} MiB, and a manifest may have ${limit}`,
    { fields: { path, size, limit: LARGEST_MANIFEST }, hint: 'Split it into several files.' },
  );
}

/** Reads manifests under `root` and nothing else, so that who may write Addons cannot have other files read. */
export function manifestReader(root: string): { read(path: string): Promise<ManifestText | undefined> } {
  return {
    async read(path) {
      const below = relative(root, path);
      if (below === '' || below.startsWith('..') || isAbsolute(below)) {
        throw new K3sError('K3S_MANIFEST_UNREADABLE', `${path} is not in the manifest directory ${root}`, {
          fields: { path, root },
        });
      }
      return readManifest(path);
    },
  };
}
