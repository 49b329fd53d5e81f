import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { K3sError, systemErrorCode } from '../../core/errors.ts';
import { secretHex } from '../../core/random.ts';
import { scanDirectory } from './directory-scan.ts';
import { isDisabled } from './disable.ts';

export interface StageOptions {
  /** The packaged manifests. */
  from: string;
  /** The manifest directory of the server. */
  to: string;
  variables: Readonly<Record<string, string>>;
  /** The names given to `--disable`. */
  disabled: ReadonlySet<string>;
}

export interface Staged {
  /** Relative to `to`, sorted. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Brings the packaged manifests into the manifest directory, as k3s does at each start: variables replaced, folders 0700, files
 * 0600; a file that has the right content already is left alone. Files whose names are disabled are removed instead, whoever put
 * them there, unless they are reached through a link. To be called before the directory is watched.
 * Rejects with K3S_MANIFEST_STAGE or K3S_MANIFEST_VARIABLE.
 */
export async function stageManifests({ from, to, variables, disabled }: StageOptions): Promise<Staged> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const written: string[] = [];
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const key = relative(from, join(entry.parentPath, entry.name));
    if (isDisabled(key, disabled)) continue;
    const text = substitute(await readFile(join(from, key), 'utf8'), variables, key);
    if (await writeIfChanged(join(to, key), text)) written.push(key);
  }
  const removed: string[] = [];
  for (const key of (await scanDirectory(to)).files.keys()) {
    if (!isDisabled(key, disabled) || (await throughLink(to, key))) continue;
    await rm(join(to, key), { force: true });
    removed.push(key);
  }
  return { written: written.sort(), removed: removed.sort() };
}

/** Throws K3S_MANIFEST_VARIABLE for a variable that nobody has set. */
export function substitute(text: string, variables: Readonly<Record<string, string>>, name: string): string {
  return text.replaceAll(/%\{([^}]*)\}%/g, (_, variable: string) => {
    const value = variables[variable];
    if (value === undefined) {
      throw new K3sError('K3S_MANIFEST_VARIABLE', `packaged manifest ${name}: there is no variable ${variable}`, {
        fields: { manifest: name, variable },
      });
    }
    return value;
  });
}

async function writeIfChanged(path: string, text: string): Promise<boolean> {
  try {
    return await replaceIfChanged(path, text);
  } catch (cause) {
    throw new K3sError('K3S_MANIFEST_STAGE', `the packaged manifest ${path} cannot be written`, {
      fields: { path },
      cause,
      hint: 'See that the data directory is writable and not full.',
    });
  }
}

/** Others only ever see the old or the new content. */
async function replaceIfChanged(path: string, text: string): Promise<boolean> {
  const before = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return undefined;
  });
  if (before === text) return false;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // The directory's watchers ignore names that begin with a dot.
  const temporary = join(dirname(path), `.staged-${secretHex(6)}`);
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
  return true;
}

async function throughLink(root: string, key: string): Promise<boolean> {
  const parts = key.split('/');
  for (let length = 1; length <= parts.length; length++) {
    if ((await lstat(join(root, ...parts.slice(0, length)))).isSymbolicLink()) return true;
  }
  return false;
}
