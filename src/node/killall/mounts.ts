import { join, relative } from 'node:path';
import { isWithin, type Footprint } from './footprint.ts';

interface Mount {
  id: string;
  parent: string;
  device: string;
  /** What of the device's file system is mounted. */
  root: string;
  point: string;
}

/**
 * Mount points of the cluster's containers, pods and network namespaces, in the order in which they can be unmounted.
 * `mountInfo` as in /proc/self/mountinfo. A disk that the user mounted elsewhere under the data directory is not among them.
 */
export function clusterMounts(mountInfo: string, footprint: Footprint): string[] {
  const roots = [
    footprint.runDirectory,
    join(footprint.kubeletDirectory, 'pods'),
    join(footprint.kubeletDirectory, 'plugins'),
    join(footprint.dataDirectory, 'agent', 'containerd'),
  ];
  const mounts = parseMounts(mountInfo);
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  return mounts
    .filter((mount) => {
      if (mount.point === footprint.kubeletDirectory) return isMountedOnItself(mount, byId.get(mount.parent));
      return roots.some((root) => mount.point !== root && isWithin(mount.point, root));
    })
    .map((mount) => mount.point)
    .toReversed();
}

/** As kubelet does with its directory, to make it shared with containers; a disk mounted there by the user is something else. */
function isMountedOnItself(mount: Mount, parent: Mount | undefined): boolean {
  if (parent === undefined || parent.device !== mount.device) return false;
  return mount.root === join(parent.root, relative(parent.point, mount.point));
}

function parseMounts(mountInfo: string): Mount[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [id = '', parent = '', device = '', root = '', point] = line.split(' ');
    return point === undefined ? [] : [{ id, parent, device, root: unescapePath(root), point: unescapePath(point) }];
  });
}

/** The kernel writes space, tab, newline and backslash in octal. */
function unescapePath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
