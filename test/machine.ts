import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { K3sError } from '../src/core/errors.ts';
import { secretHex } from '../src/core/random.ts';
import { createGroups, groupsNamed, removeGroups, type MachineGroup } from './machine/cgroup.ts';
import { initScript } from './machine/init.ts';
import { createMachineNetwork, type MachineNetwork } from './machine/network.ts';

export { createMachineNetwork, type MachineNetwork } from './machine/network.ts';

export interface MachineOptions {
  /** Host name; also part of the names of its directory and cgroups. Lower-case letters, digits and `-`. */
  name: string;
  /** Several machines on one network reach each other. Default: a network of its own, which goes with the machine. */
  network?: MachineNetwork;
  /** Default: the network's next. */
  address?: string;
}

/** A string is a script for `sh -e`, a list is a program and its arguments. */
export type Command = string | readonly string[];

export interface SpawnOptions {
  /** Added to the machine's environment. */
  environment?: Readonly<Record<string, string>>;
}

export interface ExecOptions extends SpawnOptions {
  input?: string;
  /** Aborting it kills the command and rejects with its reason. */
  signal?: AbortSignal;
}

export interface ExecResult {
  /** 128 + n when signal n ended it, as in a shell. */
  code: number;
  stdout: string;
  stderr: string;
}

/** A command that runs in the machine. The output streams are the caller's to read. */
export interface MachineProcess {
  /** Its number inside the machine. */
  readonly processId: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Code as in `ExecResult`. */
  readonly exited: Promise<number>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * A Debian machine for tests, made of namespaces: it sees the host's programs and files, but has its own processes, network,
 * host name, cgroups, /run, /tmp, /etc, /var, and its own disk under /var/lib/rancher, /var/lib/kubelet, /var/lib/cni and
 * /var/log. Process 1 survives whatever happens to the others and reaps them. Disposing it, or the end of this process, leaves
 * nothing running; disposing it leaves nothing at all.
 */
export interface Machine extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  readonly network: MachineNetwork;
  /** Resolves however the command ends. */
  exec(command: Command, options?: ExecOptions): Promise<ExecResult>;
  /** Like `exec`, but rejects with K3S_TEST_COMMAND when the command fails; returns what it printed. */
  run(command: Command, options?: ExecOptions): Promise<string>;
  spawn(command: Command, options?: SpawnOptions): Promise<MachineProcess>;
  /** Signals a process by its number inside the machine; one that is gone already is no error. */
  kill(processId: number, signal?: NodeJS.Signals): Promise<void>;
  readFile(path: string): Promise<string>;
  /** Makes missing folders too. */
  writeFile(path: string, content: string): Promise<void>;
}

const root = resolve(import.meta.dirname, '..');
const disks = join(root, '.cache', 'machines');

/** On each disk: the machine's cgroups, whose place depends on the process that made them. */
const GROUPS = 'cgroups.json';

/** Needs root, util-linux and iproute2. */
export async function createMachine(options: MachineOptions): Promise<Machine> {
  await removeLeftovers();
  await using undo = new AsyncDisposableStack();
  const network = options.network ?? undo.use(await createMachineNetwork());
  const address = options.address ?? network.nextAddress();
  const unique = `k3s-test-${options.name}-${process.pid}-${secretHex(3)}`;
  const disk = join(disks, unique);
  await mkdir(disk, { recursive: true });
  undo.defer(() => rm(disk, { recursive: true, force: true }));
  const groups = await groupsNamed(unique);
  undo.defer(() => removeGroups(groups));
  await writeFile(join(disk, GROUPS), JSON.stringify(groups));
  await createGroups(groups);

  const keep = [...new Set([root, dirname(process.execPath)])];
  const script = initScript({ name: options.name, address, nameServer: network.gateway, disk, groups, keep });
  const enterNamespaces =
    'exec unshare --mount --net --uts --ipc --pid --cgroup --fork --kill-child --propagation private bash -c "$1"';
  const holder = spawn('sh', ['-ec', `${joinGroups(groups)}\n${enterNamespaces}`, 'machine', script]);
  undo.defer(() => endHolder(holder));
  await awaitUp(holder, options.name);
  const processId = await onlyChild(holder.pid ?? 0);
  await network.plugIn(processId, address);
  return new NamespaceMachine(options.name, address, network, processId, groups, undo.move());
}

/** Disks and cgroups of machines whose test was killed; nothing runs in them any more. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(disks).catch(() => [])) {
    const owner = Number(/-(\d+)-[0-9a-f]+$/.exec(name)?.[1]);
    if (Number.isNaN(owner) || (await stat(`/proc/${owner}`).catch(() => undefined)) !== undefined) continue;
    const groups = await readFile(join(disks, name, GROUPS), 'utf8').catch(() => '[]');
    await removeGroups(JSON.parse(groups) as MachineGroup[]);
    await rm(join(disks, name), { recursive: true, force: true });
  }
}

class NamespaceMachine implements Machine {
  readonly name: string;
  readonly address: string;
  readonly network: MachineNetwork;
  readonly #enter: string;
  readonly #resources: AsyncDisposableStack;

  constructor(
    name: string,
    address: string,
    network: MachineNetwork,
    hostProcessId: number,
    groups: readonly MachineGroup[],
    resources: AsyncDisposableStack,
  ) {
    this.name = name;
    this.address = address;
    this.network = network;
    this.#resources = resources;
    const namespaces = '--mount --net --uts --ipc --pid --cgroup';
    this.#enter = `${joinGroups(groups)}
      exec nsenter --target=${hostProcessId} ${namespaces} --wd=/ sh -c 'echo $$ >&3; exec 3>&-; exec "$@"' inside "$@"`;
  }

  async spawn(command: Command, options: SpawnOptions = {}): Promise<MachineProcess> {
    const argv = typeof command === 'string' ? ['sh', '-ec', command] : command;
    const child = spawn('sh', ['-ec', this.#enter, 'enter', ...argv], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: {
        HOME: '/run/home',
        LANG: 'C.UTF-8',
        PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        ...options.environment,
      },
    });
    const exited = once(child, 'exit').then(([code, signal]) => exitCode(code, signal));
    const { stdin, stdout, stderr } = child;
    const number = child.stdio[3] as Readable;
    // A command that does not read its input ends the pipe; what it made of that is in its exit code.
    stdin.on('error', () => undefined);
    // Not until its end: nsenter, which waits for the command, holds on to the pipe.
    const processId = Number(await Promise.race([once(number, 'data'), exited]));
    return {
      processId,
      stdin,
      stdout,
      stderr,
      exited,
      kill: async (signal = 'SIGTERM') => {
        // nsenter passes no signals on, so they go to its only child, the command.
        const hostProcessId = await onlyChild(child.pid ?? 0).catch(() => undefined);
        if (hostProcessId !== undefined) process.kill(hostProcessId, signal);
      },
    };
  }

  async exec(command: Command, options: ExecOptions = {}): Promise<ExecResult> {
    options.signal?.throwIfAborted();
    const child = await this.spawn(command, options);
    const abort = (): void => {
      void child.kill('SIGKILL');
      // What the command left in the background may hold on to them.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    options.signal?.addEventListener('abort', abort, { once: true });
    child.stdin.end(options.input ?? '');
    try {
      const [code, stdout, stderr] = await Promise.all([child.exited, text(child.stdout), text(child.stderr)]);
      return { code, stdout, stderr };
    } finally {
      options.signal?.removeEventListener('abort', abort);
      options.signal?.throwIfAborted();
    }
  }

  async run(command: Command, options?: ExecOptions): Promise<string> {
    const { code, stdout, stderr } = await this.exec(command, options);
    if (code === 0) return stdout;
    const shown = typeof command === 'string' ? command : command.join(' ');
    throw new K3sError(
      'K3S_TEST_COMMAND',
      `on ${this.name}: ${shown} ended with ${code}: ${(stderr || stdout).trim()}`,
    );
  }

  async kill(processId: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.exec(['kill', `-${signal.slice('SIG'.length)}`, String(processId)]);
  }

  readFile(path: string): Promise<string> {
    return this.run(['cat', path]);
  }

  async writeFile(path: string, content: string): Promise<void> {
    await this.run(['sh', '-ec', 'mkdir -p "$(dirname "$1")"; cat > "$1"', 'write', path], { input: content });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** Puts the shell that runs it, and so all that comes after it, into the machine's cgroups. */
function joinGroups(groups: readonly MachineGroup[]): string {
  return groups
    .map(({ path, controllers }) => {
      const join = `echo $$ > '${path}/cgroup.procs'`;
      // In version 2 the machine's own group takes no processes once it has given its controllers to groups below.
      return controllers === undefined ? `{ echo $$ > '${path}/init/cgroup.procs'; } 2>/dev/null || ${join}` : join;
    })
    .join('\n');
}

async function awaitUp(holder: ChildProcess & { stdout: Readable; stderr: Readable }, name: string): Promise<void> {
  const complaints = text(holder.stderr);
  const failed = once(holder, 'exit').then(async () => {
    throw new K3sError('K3S_TEST_MACHINE', `machine ${name} did not come up: ${(await complaints).trim()}`, {
      hint: 'Machines need root, and the programs of util-linux and iproute2.',
    });
  });
  failed.catch(() => undefined);
  await Promise.race([once(holder.stdout, 'data'), failed]);
}

/** Closing the standard input of process 1 ends it, and with it the kernel ends all others of its namespace. */
async function endHolder(holder: ChildProcess & { stdin: Writable }): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const ended = once(holder, 'exit');
  holder.stdin.end();
  await ended;
}

function exitCode(code: unknown, signal: unknown): number {
  if (typeof code === 'number') return code;
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

async function onlyChild(processId: number): Promise<number> {
  const children = await readFile(`/proc/${processId}/task/${processId}/children`, 'utf8');
  const first = Number.parseInt(children, 10);
  if (Number.isNaN(first)) throw new K3sError('K3S_TEST_MACHINE', `process ${processId} has no child`);
  return first;
}
