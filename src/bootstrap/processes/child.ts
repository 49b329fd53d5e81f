import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../../core/clock.ts';
import { K3sError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { LineSplitter, severityOf } from './output.ts';
import { RotatingFile } from './rotating-file.ts';

/** What a long-running child process is. Two definitions that differ in anything but their timeout mean a restart. */
export interface ProcessDefinition {
  /** Unique among the children; names its log file and its lines in the main log. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Milliseconds between SIGTERM and SIGKILL when it is stopped. */
  readonly stopTimeout: number;
  readonly logFile: string;
}

export interface ProcessExit {
  code: number | null;
  signal: string | null;
}

/** Milliseconds that a dead process's output may take to arrive. */
const OUTPUT_GRACE = 250;

/** A child that has been started. Its output goes line by line into its own file and into the main log. */
export class Child implements AsyncDisposable {
  readonly definition: ProcessDefinition;
  readonly pid: number;
  /** Resolves when the process has ended and its output is read. */
  readonly exited: Promise<ProcessExit>;
  readonly #process: ChildProcess;
  readonly #clock: Clock;
  #exit: ProcessExit | undefined;
  #lastLine = '';

  private constructor(definition: ProcessDefinition, child: ChildProcess, pid: number, clock: Clock, log: Logger) {
    this.definition = definition;
    this.pid = pid;
    this.#process = child;
    this.#clock = clock;
    this.exited = this.#follow(log.child({ process: definition.name }));
  }

  /** Rejects with K3S_PROCESS_START when the program cannot be run. */
  static async start(definition: ProcessDefinition, clock: Clock, log: Logger): Promise<Child> {
    const child = spawn(definition.command, definition.args, {
      cwd: definition.cwd,
      env: definition.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw new K3sError('K3S_PROCESS_START', `cannot run ${definition.command} for ${definition.name}`, {
        cause,
        retryable: true,
        hint: 'Check that the file exists below the data directory and that its file system is not mounted noexec.',
      });
    }
    return new Child(definition, child, child.pid as number, clock, log);
  }

  /** The last line that it has printed: for a process that gave up, mostly the reason. */
  get lastLine(): string {
    return this.#lastLine;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** SIGTERM, then SIGKILL when the definition's stop timeout has passed. Resolves when the process has ended. */
  async stop(): Promise<ProcessExit> {
    if (this.running) {
      this.#process.kill('SIGTERM');
      using _deadline = this.#clock.timer(this.definition.stopTimeout, () => this.#process.kill('SIGKILL'));
      return await this.exited;
    }
    return await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #follow(log: Logger): Promise<ProcessExit> {
    using file = new RotatingFile(this.definition.logFile);
    const splitters = [this.#process.stdout, this.#process.stderr].map((stream) => {
      const splitter = new LineSplitter((line) => {
        this.#lastLine = line;
        file.write(line);
        log[severityOf(line)](line);
      });
      stream?.on('data', (chunk: Uint8Array) => splitter.push(chunk));
      return splitter;
    });
    const closed = once(this.#process, 'close');
    const [code, signal] = (await once(this.#process, 'exit')) as [number | null, string | null];
    // Its last words are still in the pipes; but a grandchild (a containerd shim) may hold those open for ever.
    await Promise.race([closed, this.#clock.sleep(OUTPUT_GRACE)]);
    for (const splitter of splitters) splitter.end();
    this.#exit = { code, signal };
    return this.#exit;
  }
}

/** How a process ended, for people: `exit status 1`, `killed by SIGKILL`. */
export function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `exit status ${exit.code ?? 'unknown'}` : `killed by ${exit.signal}`;
}
