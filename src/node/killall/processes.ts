import { readdir, readFile, readlink } from 'node:fs/promises';

/** A running process, as /proc shows it. */
export interface ProcessFacts {
  processId: number;
  parent: number;
  /** Tells a process from a later one with the same number. */
  startTime: string;
  /** Empty for threads of the kernel. */
  executable: string;
  args: readonly string[];
  /** Its path in each cgroup hierarchy, from the root of our cgroup namespace. */
  groups: readonly string[];
  mountNamespace: string;
}

/** All processes that can be seen, without zombies. One that ends while it is looked at is left out. */
export async function readProcesses(proc = '/proc'): Promise<ProcessFacts[]> {
  const names = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(names.map((name) => readProcess(proc, Number(name)).catch(() => undefined)));
  return found.filter((facts) => facts !== undefined);
}

async function readProcess(proc: string, processId: number): Promise<ProcessFacts | undefined> {
  const folder = `${proc}/${processId}`;
  const [stat, commandLine, cgroup, mountNamespace, executable] = await Promise.all([
    readFile(`${folder}/stat`, 'utf8'),
    readFile(`${folder}/cmdline`, 'utf8'),
    readFile(`${folder}/cgroup`, 'utf8'),
    readlink(`${folder}/ns/mnt`),
    readlink(`${folder}/exe`).catch(() => ''),
  ]);
  // The name, in parentheses, may hold spaces and parentheses itself. After it: state, parent, …, start time as the 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return {
    processId,
    parent: Number(fields[1]),
    startTime: fields[19] ?? '',
    executable: executable.replace(/ \(deleted\)$/, ''),
    args: commandLine.split('\0').slice(0, -1),
    groups: cgroup
      .trim()
      .split('\n')
      .map((line) => line.split(':').slice(2).join(':')),
    mountNamespace,
  };
}
