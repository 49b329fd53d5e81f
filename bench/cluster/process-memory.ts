import type { Machine } from '../../test/machine.ts';

/** Memory of all processes of a machine that have the same name. In megabytes (10⁶ bytes). */
export interface ProcessMemory {
  /** `engine control-plane`, `containerd-shim-runc-v2`. */
  readonly name: string;
  readonly count: number;
  /** Proportional set size: pages that several processes share count in equal parts. */
  readonly pss: number;
  /** The part of it that no file backs, so that the kernel cannot drop it. */
  readonly anonymous: number;
}

/** What runs on the machine besides its process 1 and shells, the largest first. */
export async function processMemory(machine: Machine): Promise<readonly ProcessMemory[]> {
  return groupByName(await machine.run(LIST));
}

/** A line for each process: PSS and its anonymous part in KiB, then two words of its command line. Processes may end meanwhile. */
const LIST = `
for directory in /proc/[0-9]*; do
  memory=$(awk '/^Pss:|^Pss_Anon:/ { printf "%s ", $2 }' $directory/smaps_rollup 2>/dev/null) || continue
  echo $memory $(tr '\\0' '\\n' <$directory/cmdline | head -n 2)
done
`;

export function groupByName(list: string): readonly ProcessMemory[] {
  const groups = new Map<string, { count: number; pss: number; anonymous: number }>();
  for (const line of list.split('\n')) {
    const [pss = '', anonymous = '', ...command] = line.split(' ');
    const name = nameOf(command);
    if (name === undefined || anonymous === '') continue;
    const group = groups.get(name) ?? { count: 0, pss: 0, anonymous: 0 };
    groups.set(name, {
      count: group.count + 1,
      pss: group.pss + megabytes(pss),
      anonymous: group.anonymous + megabytes(anonymous),
    });
  }
  return [...groups]
    .map(([name, group]) => Object.assign(group, { name }))
    .sort((one, other) => other.pss - one.pss || one.name.localeCompare(other.name));
}

const SHELLS = new Set(['sh', 'bash', 'sleep', 'awk', 'tr']);

/** The program's name, and the applet's where one program is many. */
function nameOf([program = '', applet = '']: readonly string[]): string | undefined {
  const name = program.split('/').at(-1) ?? '';
  if (name === '' || SHELLS.has(name)) return undefined;
  return name === 'engine' || name === 'k3s' ? `${name} ${applet}` : name;
}

function megabytes(kibibytes: string): number {
  return (Number(kibibytes) * 1024) / 1e6;
}
