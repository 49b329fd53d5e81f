import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { geteuid } from 'node:process';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readCgroups, type CgroupFacts } from './cgroup-facts.ts';
import type { KernelFacts } from './kernel-features.ts';
import { parseKernelConfig, parseModuleList } from './kernel-features.ts';
import { readPortConflicts, type PortConflict, type WantedPort } from './listeners.ts';
import { runCommand } from './run-command.ts';

/** What was found on the machine; `host-checks.ts` judges it. */
export interface HostInventory {
  userId: number;
  /** Text of /proc/self/status. */
  processStatus: string;
  kernel: KernelFacts;
  cgroups: CgroupFacts;
  /** Programs of `HOST_TOOLS` that are in PATH. */
  tools: ReadonlySet<string>;
  /** As `nft --version` prints it. */
  nftVersion: string | undefined;
  dataDirectory: DataDirectoryFacts;
  portConflicts: readonly PortConflict[];
}

export interface DataDirectoryFacts {
  path: string;
  /** Error code of an attempt to write, such as `EROFS`; undefined where one may write. */
  writeError: string | undefined;
  /** Of the file system, in bytes, as an unprivileged user would see them. */
  free: number;
  size: number;
  freeFiles: number;
  /** `ext4`, `overlay`, … */
  fileSystem: string;
}

/** Programs of the host that a node calls. */
export const HOST_TOOLS = ['mount', 'umount', 'nft', 'iptables', 'ip', 'modprobe'] as const;

export interface InventoryOptions {
  dataDirectory: string;
  ports: readonly WantedPort[];
  /** PATH, in which tools are looked for. */
  path: string;
}

export async function takeInventory(options: InventoryOptions): Promise<HostInventory> {
  const [processStatus, kernel, cgroups, tools, nftVersion, dataDirectory, portConflicts] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    readKernel(),
    readCgroups(),
    findTools(options.path),
    runCommand('nft', ['--version']).catch(() => undefined),
    readDataDirectory(options.dataDirectory),
    readPortConflicts(options.ports),
  ]);
  const userId = geteuid?.() ?? 0;
  return { userId, processStatus, kernel, cgroups, tools, nftVersion, dataDirectory, portConflicts };
}

async function readKernel(): Promise<KernelFacts> {
  const version = release();
  const text = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);
  const [config, loaded, installed, builtIn] = await Promise.all([
    readKernelConfig(version),
    text('/proc/modules'),
    text(`/lib/modules/${version}/modules.dep`),
    text(`/lib/modules/${version}/modules.builtin`),
  ]);
  return {
    release: version,
    ...(config === undefined ? {} : { config: parseKernelConfig(config) }),
    loaded: new Set((loaded ?? '').split('\n').map((line) => line.split(' ')[0] ?? '')),
    ...(installed === undefined ? {} : { installed: parseModuleList(installed) }),
    ...(builtIn === undefined ? {} : { builtIn: parseModuleList(builtIn) }),
  };
}

async function readKernelConfig(version: string): Promise<string | undefined> {
  const packed = await readFile('/proc/config.gz').catch(() => undefined);
  if (packed !== undefined) return (await promisify(gunzip)(packed)).toString('utf8');
  return readFile(`/boot/config-${version}`, 'utf8').catch(() => undefined);
}

async function findTools(path: string): Promise<Set<string>> {
  // Often missing from the PATH of users, but not from ours.
  const folders = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter((folder) => folder !== '');
  const found = await Promise.all(
    HOST_TOOLS.map(async (tool) => {
      const tries = folders.map((folder) => access(join(folder, tool), constants.X_OK));
      return (await Promise.any(tries)
        .then(() => true)
        .catch(() => false))
        ? tool
        : undefined;
    }),
  );
  return new Set(found.filter((tool) => tool !== undefined));
}

/** Of the directory, or of the nearest one above it that exists: that is where it will be made. */
async function readDataDirectory(path: string): Promise<DataDirectoryFacts> {
  let there = path;
  while ((await stat(there).catch(() => undefined)) === undefined && there !== dirname(there)) there = dirname(there);
  const [usage, writeError, mountInfo] = await Promise.all([
    statfs(there),
    access(there, constants.W_OK).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code ?? 'EACCES',
    ),
    readFile('/proc/self/mountinfo', 'utf8'),
  ]);
  return {
    path,
    writeError,
    free: usage.bavail * usage.bsize,
    size: usage.blocks * usage.bsize,
    freeFiles: usage.files === 0 ? Number.POSITIVE_INFINITY : usage.ffree,
    fileSystem: fileSystemOf(there, mountInfo),
  };
}

/** The type of the last mounted file system at or above the path. */
export function fileSystemOf(path: string, mountInfo: string): string {
  let best = { point: '', type: 'unknown' };
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const point = before.split(' ')[4] ?? '';
    const type = after.split(' ')[0] ?? '';
    const above = point === '/' || path === point || path.startsWith(`${point}/`);
    if (point !== '' && above && point.length >= best.point.length) best = { point, type };
  }
  return best.type;
}
