import { resolve } from 'node:path';
import { parseArguments, readEnvironment } from './arguments.ts';
import { KILLALL_OPTIONS } from './commands.ts';
import { readConfigFiles } from './config-file.ts';
import { mergeSettings } from './merge.ts';
import { DEFAULT_CONFIG_FILE, SERVER_OPTIONS } from './server-options.ts';

/**
 * Where the server of this machine keeps its state, for commands that only have to find it: from the command line, the
 * environment, or the server's configuration file. The path is absolute.
 */
export async function loadDataDir(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const named = environment.K3S_CONFIG_FILE;
  const file = await readConfigFiles(SERVER_OPTIONS, named ?? DEFAULT_CONFIG_FILE, named !== undefined);
  const flags = parseArguments(KILLALL_OPTIONS, argv).settings;
  const { values } = mergeSettings(KILLALL_OPTIONS, [file, readEnvironment(KILLALL_OPTIONS, environment), flags]);
  return resolve(values.dataDir);
}
