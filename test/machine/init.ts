import { dirname } from 'node:path';
import type { MachineGroup } from './cgroup.ts';

export interface InitOptions {
  name: string;
  address: string;
  nameServer: string;
  /** A directory on a disk whose file system overlayfs can write to. */
  disk: string;
  groups: readonly MachineGroup[];
  /** Directories that must stay visible even if they are under /tmp. */
  keep: readonly string[];
}

/** What is on the machine's own disk, below `InitOptions.disk`; everything else that the machine writes is in memory. */
export const DISK_FOLDERS: Readonly<Record<string, string>> = {
  rancher: '/var/lib/rancher',
  kubelet: '/var/lib/kubelet',
  cni: '/var/lib/cni',
  log: '/var/log',
};

/**
 * The machine's process 1: furnishes the namespaces it was started in, says `up`, then reaps what is orphaned (bash does so on
 * its own) until its standard input is closed, which ends the process namespace and everything in it.
 */
export function initScript(options: InitOptions): string {
  return `
set -eu
hostname ${quote(options.name)}
mount -t tmpfs -o mode=755 machine /mnt
mkdir /mnt/disk /mnt/etc /mnt/etc.work /mnt/var /mnt/var.work
mount --bind ${quote(options.disk)} /mnt/disk
${options.keep.map((path, index) => `mkdir /mnt/keep${index}; mount --rbind ${quote(path)} /mnt/keep${index}`).join('\n')}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
${mountGroups(options.groups)}

mount -t tmpfs -o mode=755 machine /run
mkdir -m 1777 /run/lock
mkdir -m 700 /run/home
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/etc.work machine /etc
mount -t overlay -o lowerdir=/var,upperdir=/mnt/var,workdir=/mnt/var.work machine /var
${Object.entries(DISK_FOLDERS)
  .map(
    ([folder, path]) =>
      `rm -rf ${path}; mkdir -p ${path} /mnt/disk/${folder}; mount --bind /mnt/disk/${folder} ${path}`,
  )
  .join('\n')}
rm -rf /etc/rancher /etc/cni
echo ${quote(options.name)} > /etc/hostname
rm -f /etc/resolv.conf
echo nameserver ${options.nameServer} > /etc/resolv.conf
printf '127.0.0.1 localhost\\n::1 localhost\\n%s %s\\n' ${options.address} ${quote(options.name)} > /etc/hosts
mount -t tmpfs -o mode=1777 machine /tmp
${options.keep
  .map((path, index) =>
    path.startsWith('/tmp/') ? `mkdir -p ${quote(path)}; mount --move /mnt/keep${index} ${quote(path)}` : '',
  )
  .join('\n')}
umount --lazy /mnt
echo up
exec >/dev/null
read -r _ || true
`;
}

function mountGroups(groups: readonly MachineGroup[]): string {
  const unified = groups.length === 1 && groups[0]?.controllers === undefined;
  if (unified) {
    // Version 2 gives controllers only to groups without processes of their own, so those of the root move to a leaf.
    return `
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/init
echo 0 > /sys/fs/cgroup/init/cgroup.procs
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control || true; done`;
  }
  const lines = groups.map(({ mountPoint, controllers }) => {
    const mount =
      controllers === undefined
        ? 'mount -t cgroup2 cgroup2'
        : `mount -t cgroup -o ${controllers.startsWith('name=') ? `none,${controllers}` : controllers} cgroup`;
    return `mkdir -p ${quote(mountPoint)}; ${mount} ${quote(mountPoint)}`;
  });
  const top = new Set(groups.map(({ mountPoint }) => dirname(mountPoint)));
  return [...[...top].map((path) => `mount -t tmpfs -o mode=755 cgroup ${quote(path)}`), ...lines].join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
