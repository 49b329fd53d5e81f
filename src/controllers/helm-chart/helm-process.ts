import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { K3sError } from '../../core/errors.ts';
import { HelmEnded, type HelmCommand, type HelmResult, type HelmRun, type HelmRunner } from './helm-runner.ts';

export interface HelmProcessOptions {
  /** The program and the arguments before helm's own: `['/…/engine', 'helm']`. */
  command: readonly [string, ...string[]];
  /** For the cache, and for the directory of each run. Made if it is missing. */
  directory: string;
  kubeconfig: string;
  clock: Clock;
  /** Aborts when the server begins to stop: helm is ended at once, and not only when the controllers' time to finish is over. */
  stopping: AbortSignal;
  /** The server's environment; only what helm needs of it is passed on. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** Bytes of output that are kept. */
const OUTPUT_LIMIT = 64 * 1024;

/** From SIGTERM, on which helm records the release as failed, to SIGKILL, in ms. */
const GRACE = 5000;

const PASSED_ON = /^(PATH|SSL_CERT_FILE|SSL_CERT_DIR|(https?|no|all)_proxy)$/i;

/** Runs helm as a child process, cut off from the server's own settings: its HOME, caches and configuration are private. */
export class HelmProcess implements HelmRunner {
  readonly #options: HelmProcessOptions;

  constructor(options: HelmProcessOptions) {
    this.#options = options;
  }

  async run(run: HelmRun, signal: AbortSignal): Promise<HelmResult> {
    const { clock, directory, stopping } = this.#options;
    checkEnd(signal, stopping);
    const runs = join(directory, 'runs');
    await mkdir(runs, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(runs, 'run-'));
    const deadline = new AbortController();
    using _ = clock.timer(run.timeout, () => deadline.abort());
    try {
      for (const [name, content] of Object.entries(run.files))
        await writeFile(join(folder, name), content, { mode: 0o600 });
      const output = new Tail(OUTPUT_LIMIT);
      for (const command of run.commands) {
        const ends = AbortSignal.any([signal, stopping, deadline.signal]);
        const code = await this.#execute(command, run, folder, output, ends);
        checkEnd(signal, stopping);
        if (deadline.signal.aborted)
          output.add(Buffer.from(`\nError: helm did not end within ${run.timeout / 1000} s\n`));
        if (deadline.signal.aborted || code !== 0) return { succeeded: false, output: output.text };
      }
      return { succeeded: true, output: output.text };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Resolves with the exit code, -1 if a signal ended it. */
  #execute(command: HelmCommand, run: HelmRun, folder: string, output: Tail, signal: AbortSignal): Promise<number> {
    const [program, ...prefix] = this.#options.command;
    return new Promise((resolve, reject) => {
      const child = spawn(program, [...prefix, ...command.arguments], {
        cwd: folder,
        env: { ...this.#environment(folder), ...run.environment },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let kill: Disposable | undefined;
      const onAbort = (): void => {
        child.kill('SIGTERM');
        kill = this.#options.clock.timer(GRACE, () => child.kill('SIGKILL'));
      };
      const finish = (end: () => void): void => {
        signal.removeEventListener('abort', onAbort);
        kill?.[Symbol.dispose]();
        end();
      };
      child.on('error', (cause) => finish(() => reject(cannotStart(program, cause))));
      child.on('close', (code) => finish(() => resolve(code ?? -1)));
      child.stdout.on('data', (chunk: Buffer) => output.add(chunk));
      child.stderr.on('data', (chunk: Buffer) => output.add(chunk));
      // A command that does not read its input may be gone before it is written.
      child.stdin.on('error', () => {});
      child.stdin.end(command.stdin ?? '');
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #environment(folder: string): Record<string, string> {
    const passedOn = Object.entries(this.#options.environment).filter(
      (entry): entry is [string, string] => PASSED_ON.test(entry[0]) && entry[1] !== undefined,
    );
    return {
      ...Object.fromEntries(passedOn),
      HOME: folder,
      TMPDIR: folder,
      KUBECONFIG: this.#options.kubeconfig,
      KUBECACHEDIR: join(this.#options.directory, 'cache', 'kubernetes'),
      HELM_CACHE_HOME: join(this.#options.directory, 'cache'),
      HELM_CONFIG_HOME: join(folder, 'config'),
      HELM_DATA_HOME: join(folder, 'data'),
      HELM_REPOSITORY_CACHE: join(folder, 'repositories'),
    };
  }
}

function checkEnd(signal: AbortSignal, stopping: AbortSignal): void {
  signal.throwIfAborted();
  if (stopping.aborted) throw new HelmEnded('the server is stopping');
}

function cannotStart(program: string, cause: unknown): K3sError {
  return new K3sError('K3S_HELM_RUN', `helm cannot be started (${program})`, {
    fields: { program },
    cause,
    retryable: true,
    hint: 'See that the program is there and executable.',
  });
}

/** The last bytes of what was said. */
class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // Joined only now and then: a chart may print a great deal in small pieces.
    if (this.#size > 2 * this.#limit) this.#trim();
  }

  get text(): string {
    this.#trim();
    return Buffer.concat(this.#chunks).toString();
  }

  #trim(): void {
    const kept = Buffer.concat(this.#chunks).subarray(-this.#limit);
    this.#chunks = [kept];
    this.#size = kept.length;
  }
}
