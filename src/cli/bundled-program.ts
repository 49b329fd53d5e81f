import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadDataDir } from '../config/data-dir.ts';
import { K3sError } from '../core/errors.ts';

/** The data directory of this machine's server, as its variable or configuration file says. */
export function dataDirectory(): Promise<string> {
  return loadDataDir([], process.env);
}

/** Where a server has installed this program below its data directory. */
export async function bundledProgram(name: string): Promise<string> {
  const path = join(await dataDirectory(), 'data/current/bin', name);
  if (existsSync(path)) return path;
  throw new K3sError('K3S_CLI_NOT_INSTALLED', `${path} does not exist`, {
    hint: "Start 'k3s server' once, or set K3S_DATA_DIR to the data directory of the running server.",
    fields: { path },
  });
}

/** Replaces this process by a program that a server has installed; returns only by throwing. */
export async function execBundled(
  name: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<never> {
  const path = await bundledProgram(name);
  if (process.execve === undefined) {
    throw new K3sError('K3S_CLI_EXEC', 'this Node cannot replace its process', { hint: 'Use Node 24 or newer.' });
  }
  const env = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return process.execve(path, [path, ...args], Object.fromEntries(env));
}
