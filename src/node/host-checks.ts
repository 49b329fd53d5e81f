import { K3sError, type ErrorCode } from '../core/errors.ts';
import { Capability, hasCapability } from './capability.ts';
import { missingControllers } from './cgroup-facts.ts';
import type { HostInventory } from './host-inventory.ts';
import { featureState, neededFeatures, type FeatureNeeds } from './kernel-features.ts';
import { choosePacketFilter, type PacketFilter } from './kube-proxy-arguments.ts';

export interface HostCheck {
  name: string;
  /** warn: works with less. fail: does not work. */
  status: 'ok' | 'warn' | 'fail';
  /** What was found. */
  found: string;
  /** What to do; '' when ok. */
  remedy: string;
  code: ErrorCode;
}

/** How the node is to be set up, as far as it asks something of the machine. */
export interface NodeNeeds {
  snapshotter: string;
  flannelBackend: string;
}

const GIB = 2 ** 30;
/** Components, images and logs of an empty cluster need about this much. */
const LEAST_FREE = 1 * GIB;
const COMFORTABLE_FREE = 5 * GIB;
/** Kubelet evicts pods below this share of free space. */
const EVICTION = 0.05;

/** File systems that overlayfs cannot write to. */
const NO_OVERLAY: ReadonlySet<string> = new Set(['overlay', 'aufs', 'ecryptfs', 'nfs', 'nfs4', 'cifs', 'vfat']);

/** Everything that is checked, in the order in which it is shown. */
export function checkHost(host: HostInventory, needs: NodeNeeds): HostCheck[] {
  const packetFilter = choosePacketFilter(host.kernel.release, host.nftVersion);
  return [
    checkRoot(host),
    ...checkCapabilities(host),
    checkCgroups(host),
    checkControllers(host),
    ...checkKernel(host, { ...needs, packetFilter }),
    ...checkTools(host, packetFilter),
    ...checkDataDirectory(host, needs),
    ...checkPorts(host),
  ];
}

function checkRoot({ userId }: HostInventory): HostCheck {
  const found = userId === 0 ? 'root' : `user ${userId}`;
  return check(
    'K3S_HOST_NOT_ROOT',
    'user',
    userId === 0 ? 'ok' : 'fail',
    found,
    'Run k3s as root, for example with sudo.',
  );
}

function checkCapabilities({ processStatus }: HostInventory): HostCheck[] {
  const lacks = (capability: number): boolean => !hasCapability(processStatus, capability);
  const required = [
    ['CAP_SYS_ADMIN', lacks(Capability.sysAdmin)],
    ['CAP_NET_ADMIN', lacks(Capability.netAdmin)],
  ] as const;
  const missing = required.filter(([, absent]) => absent).map(([name]) => name);
  return [
    check(
      'K3S_HOST_CAPABILITY',
      'capabilities',
      missing.length === 0 ? 'ok' : 'fail',
      missing.length === 0 ? 'sufficient' : `without ${missing.join(' and ')}`,
      'Run k3s outside a container, or in a privileged one.',
    ),
    check(
      'K3S_HOST_CAPABILITY',
      'CAP_SYS_RESOURCE',
      lacks(Capability.sysResource) ? 'warn' : 'ok',
      lacks(Capability.sysResource)
        ? 'missing: containers cannot be protected from running out of memory first'
        : 'there',
      'Grant CAP_SYS_RESOURCE; until then k3s leaves oom_score_adj of containers at what is allowed.',
    ),
  ];
}

function checkCgroups({ cgroups }: HostInventory): HostCheck {
  return check(
    'K3S_HOST_CGROUPS',
    'cgroup version',
    cgroups.version === '2' ? 'ok' : 'warn',
    cgroups.version === 'hybrid' ? '1, with 2 beside it' : cgroups.version,
    'Boot with systemd.unified_cgroup_hierarchy=1: Kubernetes is about to drop version 1.',
  );
}

function checkControllers({ cgroups }: HostInventory): HostCheck {
  const missing = missingControllers(cgroups);
  return check(
    'K3S_HOST_CGROUPS',
    'cgroup controllers',
    missing.length === 0 ? 'ok' : 'fail',
    missing.length === 0 ? [...cgroups.controllers].toSorted().join(' ') : `without ${missing.join(', ')}`,
    missing.includes('memory')
      ? 'Add cgroup_enable=memory to the kernel command line and boot again.'
      : `Turn on the cgroup controllers ${missing.join(', ')}; in a container, delegate them to it.`,
  );
}

function checkKernel({ kernel }: HostInventory, needs: FeatureNeeds): HostCheck[] {
  return neededFeatures(needs).map((feature) => {
    const state = featureState(feature, kernel);
    const bad = feature.required ? 'fail' : 'warn';
    // The kernel hides its configuration in many containers: no reason not to try.
    const status = state === 'missing' ? bad : state === 'unknown' && feature.required ? 'warn' : 'ok';
    const { module } = feature;
    const load = module === undefined ? '' : `Load it with modprobe ${module}, or use`;
    return check(
      'K3S_HOST_KERNEL',
      `kernel: ${feature.name}`,
      status,
      state === 'missing' ? `missing, needed for ${feature.purpose}` : state,
      `${load === '' ? 'Use' : load} a kernel with CONFIG_${feature.option}.`,
    );
  });
}

/** Debian's package of each tool, and what it is needed for. */
const PACKAGES = {
  mount: ['mount', 'volumes of pods'],
  umount: ['mount', 'volumes of pods'],
  nft: ['nftables', 'services and port mappings'],
  iptables: ['iptables', 'services and port mappings'],
  ip: ['iproute2', 'k3s killall, which deletes network interfaces with it'],
  modprobe: ['kmod', 'loading kernel modules'],
} as const;

function checkTools({ tools, kernel }: HostInventory, packetFilter: PacketFilter): HostCheck[] {
  const tool = (name: keyof typeof PACKAGES, bad: 'warn' | 'fail'): HostCheck => {
    const [provider, purpose] = PACKAGES[name];
    const found = tools.has(name) ? 'there' : `missing, needed for ${purpose}`;
    const status = tools.has(name) ? 'ok' : bad;
    return check('K3S_HOST_TOOL', `program: ${name}`, status, found, `Install it: apt-get install ${provider}`);
  };
  // A machine without either of the two is to get the better one; one whose nft is too old needs iptables.
  const filter = packetFilter === 'nftables' || !(tools.has('nft') || tools.has('iptables')) ? 'nft' : 'iptables';
  return [
    tool('mount', 'fail'),
    tool('umount', 'fail'),
    tool(filter, 'fail'),
    tool('ip', 'warn'),
    ...(kernel.installed === undefined ? [] : [tool('modprobe', 'warn')]),
  ];
}

function checkDataDirectory({ dataDirectory: data }: HostInventory, needs: NodeNeeds): HostCheck[] {
  const free = `${(data.free / GIB).toFixed(1)} GiB free of ${(data.size / GIB).toFixed(1)} GiB`;
  const full = data.free < LEAST_FREE || data.freeFiles < 1_000;
  const tight = data.free < COMFORTABLE_FREE || data.free < data.size * EVICTION;
  const noOverlay =
    needs.snapshotter === 'overlayfs' && (NO_OVERLAY.has(data.fileSystem) || data.fileSystem.startsWith('fuse'));
  return [
    check(
      'K3S_HOST_DATA_DIRECTORY',
      'data directory',
      data.writeError === undefined ? 'ok' : 'fail',
      data.writeError === undefined ? data.path : `${data.path} cannot be written to (${data.writeError})`,
      data.writeError === 'EROFS'
        ? 'The file system is read-only: mount it writable, or name another directory with --data-dir.'
        : 'Change its owner or mode, or name another directory with --data-dir.',
    ),
    check(
      'K3S_HOST_DISK_FULL',
      'disk space',
      full ? 'fail' : tight ? 'warn' : 'ok',
      data.freeFiles < 1_000 ? `${free}, but only ${data.freeFiles} more files` : free,
      `Free space on the file system of ${data.path}, or name another directory with --data-dir.`,
    ),
    check(
      'K3S_HOST_FILE_SYSTEM',
      'file system',
      noOverlay ? 'fail' : 'ok',
      noOverlay ? `${data.fileSystem}, which overlayfs cannot write to` : data.fileSystem,
      'Put the data directory on ext4 or xfs with --data-dir, or use --snapshotter=native, which copies instead.',
    ),
  ];
}

function checkPorts({ portConflicts }: HostInventory): HostCheck[] {
  return portConflicts.map(({ port, address, owner, heldBy }) =>
    check(
      'K3S_HOST_PORT_IN_USE',
      `port ${port}`,
      'fail',
      `${address}:${port}, which ${owner} needs, is taken by ${heldBy ?? 'a process that cannot be seen from here'}`,
      'Stop that program, or choose another port.',
    ),
  );
}

function check(code: ErrorCode, name: string, status: HostCheck['status'], found: string, remedy: string): HostCheck {
  return { name, status, found, remedy: status === 'ok' ? '' : remedy, code };
}

/** The failed checks as errors, for a start that cannot go on. */
export function hostErrors(checks: readonly HostCheck[]): K3sError[] {
  return checks
    .filter(({ status }) => status === 'fail')
    .map(
      ({ code, name, found, remedy }) =>
        new K3sError(code, `${name}: ${found}`, { hint: remedy, fields: { check: name } }),
    );
}

const MARKS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const;

/** The checks as lines for a terminal, ending with a summary. */
export function describeHostChecks(checks: readonly HostCheck[]): string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, found, remedy }) => [
    `${MARKS[status]}  ${name.padEnd(width)}  ${found}`,
    ...(remedy === '' ? [] : [`${' '.repeat(6 + width)}  → ${remedy}`]),
  ]);
  const count = (status: HostCheck['status']): number => checks.filter((each) => each.status === status).length;
  return [...lines, '', `${count('ok')} ok, ${count('warn')} warnings, ${count('fail')} failed`];
}
