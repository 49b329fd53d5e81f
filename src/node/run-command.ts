import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { K3sError, systemErrorCode } from '../core/errors.ts';

/** Where tools for administrators are; often not in the PATH of a root shell that a user has become root in. */
const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin';

export interface CommandOptions {
  /** Replaces the environment; absent: this process's own, with the folders of system tools at the end of PATH. */
  environment?: Readonly<Record<string, string | undefined>>;
  input?: string | Readable;
  /** Aborting it kills the process and rejects with its reason. */
  signal?: AbortSignal;
}

/**
 * Runs a program to its end and returns what it printed. Rejects with K3S_COMMAND_MISSING when there is no such program and
 * with K3S_COMMAND_FAILED, quoting the end of its error output, when it ends with anything but 0.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: options.environment ?? { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${SYSTEM_FOLDERS}` },
    ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: 'SIGKILL' }),
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
  });
  // When the input breaks off, the program's end is waited for all the same.
  const [end, fed] = await Promise.allSettled([ended, feed(child.stdin, options.input)]);
  options.signal?.throwIfAborted();
  if (end.status === 'rejected')
    throw systemErrorCode(end.reason) === 'ENOENT' ? missing(command, end.reason) : end.reason;
  if (fed.status === 'rejected') throw fed.reason;
  if (end.value === 0) return Buffer.concat(output).toString('utf8');
  const said = Buffer.concat(errors).toString('utf8').trim().split('\n').slice(-3).join(' ');
  throw new K3sError(
    'K3S_COMMAND_FAILED',
    `${command} ${args.join(' ')} ended with ${end.value}${said === '' ? '' : `: ${said}`}`,
    {
      fields: { command, args, end: end.value },
    },
  );
}

/** How it shows, depending on the moment, that the other end of a pipe is closed. */
const UNREAD: ReadonlySet<string> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
]);

/** A program that ends before it has read its input says why on its error output: a broken pipe adds nothing. */
async function feed(stdin: NodeJS.WritableStream | null, input: string | Readable | undefined): Promise<void> {
  if (stdin === null || input === undefined) return;
  await pipeline(typeof input === 'string' ? [input] : input, stdin).catch((error: unknown) => {
    if (!UNREAD.has(systemErrorCode(error) ?? '')) throw error;
  });
}

function missing(command: string, cause: unknown): K3sError {
  return new K3sError('K3S_COMMAND_MISSING', `there is no program ${command} in PATH`, {
    cause,
    fields: { command },
    hint: 'Run k3s check-config: it names the package of each missing tool.',
  });
}
