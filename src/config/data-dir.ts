import { resolve } from 'node:path';
import { K3sError } from '../core/errors.ts';
import { parseArguments, readEnvironment } from './arguments.ts';
import { KILLALL_OPTIONS } from './commands.ts';
import { readConfigFiles } from './config-file.ts';
import { mergeSettings } from './merge.ts';
import type { Option, OptionValues } from './option.ts';
import { DEFAULT_CONFIG_FILE, SERVER_OPTIONS } from './server-options.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the server of this machine keeps its state, for commands that only have to find it: from the command line, the
 * environment, or the server's configuration file. The path is absolute.
 */
export async function loadDataDir(argv: readonly string[], environment: Environment): Promise<string> {
  const { dataDir } = await loadMachineOptions(KILLALL_OPTIONS, argv, environment);
  return resolve(dataDir);
}

/** The options of a command that looks at this machine's state; those that are the server's come from its configuration file too. */
export async function loadMachineOptions<const Table extends readonly Option[]>(
  options: Table,
  argv: readonly string[],
  environment: Environment,
): Promise<OptionValues<Table>> {
  const named = environment.K3S_CONFIG_FILE;
  const file = await readConfigFiles(SERVER_OPTIONS, named ?? DEFAULT_CONFIG_FILE, named !== undefined);
  const { settings: flags, positional } = parseArguments(options, argv);
  if (positional[0] !== undefined) {
    throw new K3sError('K3S_CONFIG_UNEXPECTED_ARGUMENT', `${JSON.stringify(positional[0])} is not expected here`, {
      hint: 'Options begin with --; --help lists them',
    });
  }
  return mergeSettings(options, [file, readEnvironment(options, environment), flags]).values;
}
