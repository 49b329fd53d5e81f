import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { K3sError } from '../../src/core/errors.ts';
import {
  createMachine,
  type Command,
  type ExecOptions,
  type ExecResult,
  type Machine,
  type MachineProcess,
  type SpawnOptions,
} from '../machine.ts';
import { addTestTools } from './images.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');

/** The launcher, as users start it from a checkout. */
export const K3S = join(root, 'k3s');
export const DATA_DIR = '/var/lib/rancher/k3s';
export const MANIFESTS = `${DATA_DIR}/server/manifests`;
export const KUBECONFIG = '/etc/rancher/k3s/k3s.yaml';

/** From the start to the ready line, in ms; a loaded machine needs a fraction of it. */
const START_LIMIT = 180_000;
/** For a command, in ms: one that hangs must fail its own test. */
const COMMAND_LIMIT = 120_000;
/** Lines of the server's log that a failure shows; the files under .cache/test have all of them. */
const SHOWN_LINES = 60;

export interface StartOptions {
  /** Behind `k3s server`. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A `k3s server` that has been started. */
export interface Server {
  /** Its number inside the machine. */
  readonly processId: number;
  /** Resolves with the ready line; rejects when the server ends before, or takes longer than anybody would wait. */
  readonly ready: Promise<void>;
  /** As in `ExecResult.code`. */
  readonly exited: Promise<number>;
  /** What it has printed so far. */
  output(): string;
  /** SIGTERM unless said otherwise; resolves with the exit code. */
  end(signal?: NodeJS.Signals): Promise<number>;
}

/**
 * A machine on which k3s is started, stopped and killed; its disk stays as it is between the starts. Everything that its servers
 * print is in `.cache/test/<name>/`.
 */
export class K3sMachine implements AsyncDisposable {
  readonly machine: Machine;
  readonly #logs: string;
  #starts = 0;
  #latest: Server | undefined;

  private constructor(machine: Machine, logs: string) {
    this.machine = machine;
    this.#logs = logs;
  }

  /** With `testTools`, pods can use the image TEST_TOOLS. */
  static async create(name: string, { testTools = false } = {}): Promise<K3sMachine> {
    const logs = join(root, '.cache/test', name);
    await rm(logs, { recursive: true, force: true });
    await mkdir(logs, { recursive: true });
    const machine = await createMachine({ name });
    // Without its sources a server takes the components as they are. They have been built outside: a machine has no way to fetch modules.
    await machine.run(['mount', '-t', 'tmpfs', '-o', 'ro', 'hidden', join(root, 'components')]);
    if (testTools) await addTestTools(machine);
    return new K3sMachine(machine, logs);
  }

  /** The server that was started last. */
  get server(): Server {
    if (this.#latest === undefined) throw new K3sError('K3S_TEST_SERVER', 'no server has been started yet');
    return this.#latest;
  }

  /** Starts a server and waits until it is ready. */
  async start(options: StartOptions = {}): Promise<Server> {
    const server = await this.launch(options);
    await server.ready;
    return server;
  }

  /** Starts a server. */
  async launch({ args = [], environment = {} }: StartOptions = {}): Promise<Server> {
    const child = await this.machine.spawn([K3S, 'server', ...args], { environment });
    const file = createWriteStream(join(this.#logs, `server-${++this.#starts}.log`));
    const { processId, exited } = child;
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => undefined);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
        file.write(text);
        if (/^Ready in /m.test(text)) ready.resolve();
      });
    }
    const notReady = (what: string): void =>
      ready.reject(new K3sError('K3S_TEST_SERVER', `k3s server ${what}:\n${lastLines(output)}`));
    const limit = systemClock.timer(START_LIMIT, () => notReady('is not ready yet'));
    void ready.promise.finally(() => limit[Symbol.dispose]()).catch(() => undefined);
    void exited.then((code) => {
      notReady(`ended with ${code}`);
      file.end();
    });
    const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number> => {
      await child.kill(signal);
      return await exited;
    };
    this.#latest = { processId, ready: ready.promise, exited, output: () => output, end };
    return this.#latest;
  }

  /** Ends the server that was started last, as a service manager does; resolves with its exit code. */
  async stop(): Promise<number | undefined> {
    return await this.#latest?.end();
  }

  /** Runs a command with the cluster's programs in PATH and the administrator's kubeconfig. Rejects when it fails. */
  run(command: Command, options: ExecOptions = {}): Promise<string> {
    return this.machine.run(command, withLimit(options));
  }

  /** Like `run`, but resolves however the command ends. */
  exec(command: Command, options: ExecOptions = {}): Promise<ExecResult> {
    return this.machine.exec(command, withLimit(options));
  }

  /** Like `run`, for commands that are to be ended or read while they run. */
  spawn(command: Command, options: SpawnOptions = {}): Promise<MachineProcess> {
    return this.machine.spawn(command, withEnvironment(options));
  }

  /** `kubectl` with these words as they are; returns what it printed. */
  kubectl(...words: string[]): Promise<string> {
    return this.run(['kubectl', ...words]);
  }

  /** An object, or a list of objects, as `kubectl get -o json` prints it. */
  async get<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.kubectl('get', '-o', 'json', ...words)) as T;
  }

  /** `kubectl apply` of these objects. */
  async apply(...items: object[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await this.run(['kubectl', 'apply', '-f', '-'], { input });
  }

  /** Waits until CoreDNS serves; a start need not wait for it. */
  async untilCoreDnsServes(): Promise<void> {
    await until(() => this.kubectl('rollout', 'status', '-n', 'kube-system', 'deployment/coredns', '--timeout=90s'));
  }

  /** Runs a shell script in a pod. */
  inPod(pod: string, script: string): Promise<string> {
    return this.kubectl('exec', pod, '--', '/bin/sh', '-ec', script);
  }

  /** Numbers, inside the machine, of the processes whose command line fits. */
  async processIds(commandLine: RegExp): Promise<number[]> {
    const script = `for p in /proc/[0-9]*; do echo "\${p#/proc/} $(tr '\\0' ' ' < $p/cmdline)"; done 2>/dev/null; true`;
    const lines = (await this.machine.run(script)).split('\n');
    return lines.flatMap((line) => {
      const [, processId, words] = /^(\d+) (.*?) *$/.exec(line) ?? [];
      return words !== undefined && commandLine.test(words) ? [Number(processId)] : [];
    });
  }

  /** Shows why a test may have failed, and keeps more of it beside the server's log. */
  async explainFailure(test: string): Promise<void> {
    const commands = [
      'kubectl get nodes,pods,services,endpointslices,addons,helmcharts --all-namespaces -o wide',
      'kubectl get events --all-namespaces --sort-by=.metadata.creationTimestamp | tail -50',
      'kubectl describe pods --all-namespaces',
      'ps axf',
    ];
    const texts = await Promise.all(
      commands.map(async (command) => {
        const { stdout, stderr } = await this.exec(command, { signal: AbortSignal.timeout(20_000) }).catch(
          (error: unknown) => ({ stdout: '', stderr: String(error) }),
        );
        return `== ${command}\n${stdout}${stderr}`;
      }),
    );
    const file = join(this.#logs, `${test.replaceAll(/[^\w]+/g, '-').slice(0, 80)}.txt`);
    await writeFile(file, texts.join('\n'));
    const log = lastLines(this.#latest?.output() ?? '');
    console.error(`${test}: see ${this.#logs}; the end of the server's log:\n${log}\n${texts.slice(0, 2).join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}

function withLimit(options: ExecOptions): ExecOptions {
  return { signal: AbortSignal.timeout(COMMAND_LIMIT), ...withEnvironment(options) };
}

function withEnvironment<T extends SpawnOptions>(options: T): T {
  return {
    ...options,
    environment: {
      PATH: `${DATA_DIR}/data/current/bin:${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      KUBECONFIG,
      ...options.environment,
    },
  };
}

/** The end of a log, without what the components say to themselves. */
function lastLines(log: string): string {
  const lines = log.split('\n').filter((line) => !/^\S+ (INFO|DEBUG) .* process=/.test(line));
  return lines.slice(-SHOWN_LINES).join('\n');
}
