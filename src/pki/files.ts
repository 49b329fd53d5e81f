import { mkdir, open, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { K3sError, systemErrorCode } from '../core/errors.ts';

/** Modes of what is written here: certificates may be read by everybody, all else by the owner only. */
export const PUBLIC_FILE = 0o644;
export const PRIVATE_FILE = 0o600;

const REMEDIES: Readonly<Record<string, string>> = {
  EROFS: 'The file system is read-only; choose another place with --data-dir or remount it',
  ENOSPC: 'The disk is full; free some space',
  EDQUOT: 'The disk quota is used up; free some space',
  EACCES: 'Run as root, or correct the owner and the mode of the directory',
  EPERM: 'Run as root, or correct the owner and the attributes of the directory',
  ENOTDIR: 'A part of the path is a file where a directory is needed; move it away',
};

/** The content of a file, or undefined when there is none. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw new K3sError('K3S_PKI_READ', `cannot read ${path}`, { fields: { path }, cause: error, ...remedy(error) });
  }
}

/**
 * Replaces a file so that readers, and whoever starts after a crash, find the old content or the new one, never a part of it.
 * Creates missing directories with `directoryMode`, by default for the owner only.
 */
export async function writeFileAtomic(
  path: string,
  content: string,
  mode: number,
  directoryMode = 0o700,
): Promise<void> {
  await attempt(path, async () => {
    await mkdir(dirname(path), { recursive: true, mode: directoryMode });
    const temporary = join(dirname(path), `.${basename(path)}.tmp`);
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', PRIVATE_FILE);
    try {
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  });
}

/** Like `writeFileAtomic`, but leaves a file alone that already has this content. */
export async function writeFileIfChanged(path: string, content: string, mode: number): Promise<void> {
  if ((await readTextFile(path)) !== content) await writeFileAtomic(path, content, mode);
}

/** Moves a file to its final name, durably. */
export async function renameFile(from: string, to: string): Promise<void> {
  await attempt(to, async () => {
    await rename(from, to);
    await syncDirectory(dirname(to));
  });
}

/** Removes a file, durably; a missing one is fine. */
export async function removeFile(path: string): Promise<void> {
  await attempt(path, async () => {
    await rm(path, { force: true });
    await syncDirectory(dirname(path));
  });
}

/** Makes `path` a symbolic link to `target`, replacing a file or link of that name. */
export async function writeSymlink(target: string, path: string): Promise<void> {
  await attempt(path, async () => {
    if ((await readlink(path).catch(() => undefined)) === target) return;
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    const temporary = join(dirname(path), `.${basename(path)}.tmp`);
    await rm(temporary, { force: true });
    await symlink(target, temporary);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  });
}

async function attempt(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new K3sError('K3S_PKI_WRITE', `cannot write ${path}`, { fields: { path }, cause: error, ...remedy(error) });
  }
}

/** A new name in a directory survives a power cut only once the directory itself is on the disk. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  if (directory === undefined) return;
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function remedy(error: unknown): { hint?: string } {
  const hint = REMEDIES[systemErrorCode(error) ?? ''];
  return hint === undefined ? {} : { hint };
}
