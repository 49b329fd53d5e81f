import { readdir, readFile, readlink } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';

/** A TCP socket that waits for connections. */
export interface Listener {
  /** `::` and `0.0.0.0` stand for all addresses. */
  address: string;
  port: number;
  /** Identifies the socket among the files of its process. */
  inode: string;
}

export interface WantedPort {
  port: number;
  address: string;
  /** Who is to listen there: `kubelet`. */
  owner: string;
}

export interface PortConflict extends WantedPort {
  /** `nginx (process 123)`, or undefined where it cannot be seen. */
  heldBy: string | undefined;
}

const LISTEN = '0A';

/** The listening sockets in the text of /proc/net/tcp or /proc/net/tcp6. */
export function parseListeners(table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    return state === LISTEN ? [{ address: decodeAddress(address), port: Number.parseInt(port, 16), inode }] : [];
  });
}

/** The kernel prints 32-bit words in the byte order of the machine, which is little-endian wherever we run. */
function decodeAddress(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

/** Which wanted ports somebody else listens on already, so that listening there would fail. */
export function conflictingPorts(
  wanted: readonly WantedPort[],
  listeners: readonly Listener[],
): [WantedPort, Listener][] {
  return wanted.flatMap((want): [WantedPort, Listener][] => {
    const found = listeners.find((listener) => listener.port === want.port && overlap(want.address, listener.address));
    return found === undefined ? [] : [[want, found]];
  });
}

/** `::` takes IPv4 connections too, as sockets are set up by default. */
function overlap(a: string, b: string): boolean {
  if (a === b || a === '::' || b === '::') return true;
  if (a === '0.0.0.0') return !isIPv6(b);
  return b === '0.0.0.0' && !isIPv6(a);
}

export async function readPortConflicts(wanted: readonly WantedPort[], proc = '/proc'): Promise<PortConflict[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(join(proc, 'net', name), 'utf8').catch(() => '')),
  );
  const conflicts = conflictingPorts(wanted, tables.flatMap(parseListeners));
  if (conflicts.length === 0) return [];
  const holders = await socketHolders(new Set(conflicts.map(([, { inode }]) => inode)), proc);
  return conflicts.map(([want, { inode }]) => ({ ...want, heldBy: holders.get(inode) }));
}

async function socketHolders(inodes: ReadonlySet<string>, proc: string): Promise<Map<string, string>> {
  const holders = new Map<string, string>();
  const names = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  for (const name of names) {
    const folder = join(proc, name, 'fd');
    for (const file of await readdir(folder).catch(() => [])) {
      const target = await readlink(join(folder, file)).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode) || holders.has(inode)) continue;
      const command = await readFile(join(proc, name, 'comm'), 'utf8').catch(() => 'process');
      holders.set(inode, `${command.trim()} (process ${name})`);
    }
  }
  return holders;
}
