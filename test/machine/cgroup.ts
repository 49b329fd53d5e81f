import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../src/core/errors.ts';
import { systemClock } from '../../src/core/clock.ts';

/** One mounted cgroup hierarchy of the host, with the group that a machine gets in it. */
export interface MachineGroup {
  mountPoint: string;
  /** What `mount -o` needs to mount the same hierarchy again; undefined for version 2. */
  controllers: string | undefined;
  /** The machine's own group; inside the machine's cgroup namespace it is the root. */
  path: string;
}

/** The groups of that name below this process's own, one in every hierarchy: version 1, version 2, or both side by side. */
export async function groupsNamed(name: string): Promise<MachineGroup[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const own = await readFile('/proc/self/cgroup', 'utf8');
  return mounts.split('\n').flatMap((line): MachineGroup[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , superOptions = ''] = after.split(' ');
    const mountPoint = before.split(' ')[4];
    if (mountPoint === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    const controllers = type === 'cgroup2' ? undefined : hierarchyOf(superOptions);
    return [{ mountPoint, controllers, path: join(mountPoint, ownGroup(own, controllers), name) }];
  });
}

/** Makes them, so that kubelet and runc find an empty root while the limits on this process keep holding. */
export async function createGroups(groups: readonly MachineGroup[]): Promise<void> {
  for (const { path, controllers } of groups) {
    await mkdir(path, { recursive: true });
    if (controllers?.split(',').includes('cpuset') !== true) continue;
    // A cpuset group without CPUs and memory takes no processes.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      await writeFile(join(path, file), await readFile(join(dirname(path), file), 'utf8'));
    }
  }
}

function hierarchyOf(superOptions: string): string {
  return superOptions
    .split(',')
    .filter((option) => option !== 'rw' && option !== 'ro')
    .join(',');
}

/** The path after the second colon of the line of `/proc/self/cgroup` for this hierarchy. */
function ownGroup(own: string, controllers: string | undefined): string {
  for (const line of own.split('\n')) {
    const [, names, ...path] = line.split(':');
    if (names === (controllers ?? '')) return path.join(':');
  }
  return '/';
}

/** Removes the groups with everything below. Waits for dying processes to leave them, at most 10 s. */
export async function removeGroups(groups: readonly MachineGroup[]): Promise<void> {
  for (const { path } of groups) await removeGroup(path, systemClock.monotonic() + 10_000);
}

async function removeGroup(path: string, deadline: number): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(path, entry.name), deadline);
  for (;;) {
    try {
      await rmdir(path);
      return;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return;
      if (systemErrorCode(error) !== 'EBUSY' || systemClock.monotonic() > deadline) throw error;
      await systemClock.sleep(20);
    }
  }
}
