import { readdir, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { containerIdOf } from './classify.ts';

/** Below these, kubelet, containerd and kubelet's own accounting make groups, with either cgroup driver. */
const ROOTS = ['kubepods', 'kubepods.slice', 'k8s.io', 'k3s'];

/** A cgroup directory with its absolute path; `path` is the one that /proc shows for its processes. */
export interface Group {
  directory: string;
  path: string;
}

/** All cgroups below the roots, in every hierarchy, inner ones first. */
export async function readGroups(hierarchies: readonly string[]): Promise<Group[]> {
  const groups: Group[] = [];
  const visit = async (hierarchy: string, path: string): Promise<void> => {
    const directory = join(hierarchy, path);
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return;
    for (const entry of entries) if (entry.isDirectory()) await visit(hierarchy, `${path}/${entry.name}`);
    groups.push({ directory, path });
  };
  for (const hierarchy of hierarchies) for (const root of ROOTS) await visit(hierarchy, `/${root}`);
  return groups;
}

/**
 * Which of these groups can go, inner ones first: all, unless somebody else's processes live under the same roots, as those of
 * a second cluster would. Then only those of our containers and of their pods.
 */
export function groupsToRemove(
  groups: readonly Group[],
  occupied: readonly string[],
  containerIds: ReadonlySet<string>,
): Group[] {
  const foreign = occupied.some((path) => ROOTS.includes(path.split('/')[1] ?? ''));
  if (!foreign) return [...groups];
  const ofContainers = groups.filter(({ path }) =>
    path.split('/').some((part) => containerIds.has(containerIdOf(part))),
  );
  const pods = new Set(ofContainers.map(({ directory }) => join(directory, '..')));
  return groups.filter(
    (group) => ofContainers.includes(group) || (pods.has(group.directory) && basename(group.path).includes('pod')),
  );
}

/** Directories of the mounted hierarchies, from /proc/self/mountinfo. */
export function cgroupHierarchies(mountInfo: string): string[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const point = before.split(' ')[4];
    return point !== undefined && /^cgroup2? /.test(after) ? [point] : [];
  });
}

/** Removes them; says which directories are still there because something lives in them. */
export async function removeGroups(groups: readonly Group[]): Promise<string[]> {
  const left: string[] = [];
  for (const { directory } of groups) {
    await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') left.push(directory);
    });
  }
  return left;
}
