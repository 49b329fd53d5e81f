import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  /** Its command line, shortened. */
  readonly command: string;
}

const LISTEN_STATE = '0A';

/**
 * Who listens on a TCP port, as far as /proc tells: undefined when it is a process that we may not look into, or one of
 * another PID namespace.
 */
export async function findPortHolder(port: number, proc = '/proc'): Promise<PortHolder | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readOr(`${proc}/net/${name}`, '')));
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const name of await readdir(proc)) {
    if (!/^\d+$/.test(name)) continue;
    const descriptors = await readdir(`${proc}/${name}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`${proc}/${name}/fd/${descriptor}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      const command = (await readOr(`${proc}/${name}/cmdline`, '')).replaceAll('\0', ' ').trim();
      return { pid: Number(name), command: command.slice(0, 80) };
    }
  }
  return undefined;
}

/** Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6 (proc(5)). */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (inode !== undefined && state === LISTEN_STATE && local?.endsWith(suffix) === true) inodes.push(inode);
  }
  return inodes;
}

function readOr(path: string, otherwise: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => otherwise);
}
