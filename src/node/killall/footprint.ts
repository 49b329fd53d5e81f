import { join } from 'node:path';

/** Where one cluster's node lives on this machine: what tells its processes, mounts and files from those of another. */
export interface Footprint {
  dataDirectory: string;
  /** `/run/k3s`: sockets, containers' bundles, namespaces of pods. */
  runDirectory: string;
  /** `/var/lib/kubelet`. */
  kubeletDirectory: string;
  /** `/run/flannel`. */
  flannelDirectory: string;
  /** `/var/lib/cni`. */
  cniDirectory: string;
  /** Directories that our programs (engine, shim, runc) are started from. */
  programDirectories: readonly string[];
  /** The interpreter of `k3s server` and `k3s agent` themselves. */
  launcher: string;
  /** Who holds the data directory, as far as its lock says. */
  holder?: number;
}

/** The footprint of a node with the usual directories besides its data directory. */
export function footprintOf(dataDirectory: string, launcher: string, holder?: number): Footprint {
  return {
    dataDirectory,
    runDirectory: '/run/k3s',
    kubeletDirectory: '/var/lib/kubelet',
    flannelDirectory: '/run/flannel',
    cniDirectory: '/var/lib/cni',
    programDirectories: [join(dataDirectory, 'data')],
    launcher,
    ...(holder === undefined ? {} : { holder }),
  };
}

/** Whether `path` is `directory` or below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
