import { join } from 'node:path';
import { isWithin, type Footprint } from './footprint.ts';

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
  return mountInfo
    .split('\n')
    .map((line) => unescapePath(line.split(' ')[4] ?? ''))
    .filter((point) => roots.some((root) => point !== root && isWithin(point, root)))
    .toReversed();
}

/** The kernel writes space, tab, newline and backslash in octal. */
function unescapePath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
