import { K3sError } from '../core/errors.ts';
import { findOption, type Option } from './option.ts';
import { unknownOption, type Setting } from './setting.ts';

export interface ParsedArguments {
  readonly settings: readonly Setting[];
  /** What is left that is not a flag, in order. */
  readonly positional: readonly string[];
  /** Whether `--help` or `-h` was among the flags. */
  readonly help: boolean;
}

/**
 * Reads a command line as Go's flag package does: `--name value`, `--name=value`, one dash or two, `--name` alone for a
 * boolean; `--` ends the flags.
 */
export function parseArguments(options: readonly Option[], argv: readonly string[]): ParsedArguments {
  const settings: Setting[] = [];
  const positional: string[] = [];
  let help = false;
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? '';
    if (argument === '--') {
      positional.push(...argv.slice(at + 1));
      break;
    }
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument);
    if (match === null) {
      positional.push(argument);
      continue;
    }
    const [, name = '', inline] = match;
    if (name === 'help' || name === 'h') {
      help = true;
      continue;
    }
    const option = findOption(options, name);
    if (option === undefined) throw unknownOption(`flag ${argument.split('=')[0]}`, name, '--', options);
    let text = inline ?? (option.type === 'boolean' ? 'true' : undefined);
    if (text === undefined) {
      text = argv[++at];
      if (text === undefined) {
        throw new K3sError('K3S_CONFIG_MISSING_VALUE', `flag --${option.name} needs a value`, {
          fields: { option: option.name },
          hint: `Write --${option.name}=${option.placeholder ?? 'VALUE'}`,
        });
      }
    }
    settings.push({ option, text, source: { kind: 'flag' } });
  }
  return { settings, positional, help };
}

/** The options that environment variables set; an empty variable sets nothing. */
export function readEnvironment(
  options: readonly Option[],
  environment: Readonly<Record<string, string | undefined>>,
): Setting[] {
  return options.flatMap((option) => {
    const variable = option.type === 'list' ? undefined : option.env;
    const text = variable === undefined ? undefined : environment[variable];
    if (variable === undefined || text === undefined || text === '') return [];
    return [{ option, text, source: { kind: 'environment', variable } }];
  });
}
