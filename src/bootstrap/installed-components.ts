import {
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
  chmod,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { K3sError, systemErrorCode } from '../core/errors.ts';

/** `components.json`: what components/build.ts has built, with paths relative to the file. */
export interface ComponentSet {
  /** Names the content: the same hash, the same bytes. */
  readonly hash: string;
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly sha256: string;
    readonly mode: number;
  }[];
  readonly images: readonly { readonly reference: string; readonly path: string }[];
}

/** Programs that users and components call by name; all are the one binary `engine`, told apart by their name. */
const ENGINE_LINKS = ['containerd', 'ctr', 'etcdctl', 'etcdutl', 'helm', 'kubectl'];

/** Reads and checks the shape of a component set. */
export async function readComponentSet(directory: string): Promise<ComponentSet> {
  const path = join(directory, 'components.json');
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (isComponentSet(parsed)) return parsed;
    throw new TypeError('it lacks hash, files or images');
  } catch (cause) {
    throw new K3sError('K3S_COMPONENTS_MISSING', `the components cannot be read from ${path}`, {
      cause,
      fields: { path },
      hint: "Run 'node components/build.ts'.",
    });
  }
}

function isComponentSet(value: unknown): value is ComponentSet {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'hash' in value &&
    typeof value.hash === 'string' &&
    'files' in value &&
    Array.isArray(value.files) &&
    'images' in value &&
    Array.isArray(value.images)
  );
}

/**
 * Installs a component set below `<dataDir>/data/<hash>` unless it is there already, and points `data/current` at it; the set
 * before stays reachable as `data/previous`, older ones go. A crash in the middle leaves the former version in use.
 */
export async function installComponents(source: string, dataDir: string): Promise<ComponentSet> {
  const set = await readComponentSet(source);
  const data = join(dataDir, 'data');
  const target = join(data, set.hash);
  if (!(await exists(target))) {
    const temporary = `${target}-tmp`;
    await rm(temporary, { recursive: true, force: true });
    for (const file of set.files) await place(join(source, file.path), join(temporary, file.path), file.mode);
    for (const { path } of set.images) await place(join(source, path), join(temporary, path), 0o644);
    for (const name of ENGINE_LINKS) await symlink('engine', join(temporary, 'bin', name));
    await writeFile(join(temporary, 'components.json'), JSON.stringify(set), { mode: 0o600 });
    await rename(temporary, target);
  }
  await switchTo(data, set.hash);
  await linkCniPrograms(join(data, 'cni'), join(data, 'current/cni'));
  await removeOldSets(data);
  return set;
}

/** A hard link where the file system allows one: the components are large. */
async function place(from: string, to: string, mode: number): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  try {
    await link(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'EMLINK'].includes(systemErrorCode(error) ?? '')) throw error;
    await copyFile(from, to);
    await chmod(to, mode);
  }
}

async function switchTo(data: string, hash: string): Promise<void> {
  const current = await readlink(join(data, 'current')).catch(() => undefined);
  if (current === hash) return;
  if (current !== undefined) await replaceLink(current, join(data, 'previous'));
  await replaceLink(hash, join(data, 'current'));
}

async function replaceLink(target: string, path: string): Promise<void> {
  await rm(`${path}-new`, { force: true });
  await symlink(target, `${path}-new`);
  await rename(`${path}-new`, path);
}

/** A stable directory of CNI programs: ours by link, and whatever programs the user has put there. */
async function linkCniPrograms(directory: string, programs: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  for (const name of await readdir(programs)) {
    const path = join(directory, name);
    const there = await lstat(path).catch(() => undefined);
    if (there !== undefined && !there.isSymbolicLink()) continue;
    await replaceLink(join('../current/cni', name), path);
  }
}

async function removeOldSets(data: string): Promise<void> {
  const links = await Promise.all(['current', 'previous'].map((name) => readlink(join(data, name)).catch(() => '')));
  const kept = new Set(['current', 'previous', 'cni', ...links.map((target) => basename(target))]);
  for (const name of await readdir(data)) {
    if (!kept.has(name)) await rm(join(data, name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
