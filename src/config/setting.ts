import { K3sError } from '../core/errors.ts';
import { nearest } from './nearest.ts';
import type { Option } from './option.ts';

/** Where a value comes from. */
export type Source =
  | { readonly kind: 'flag' }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  | { readonly kind: 'default' };

/** One occurrence of an option, its value not yet converted. */
export interface Setting {
  readonly option: Option;
  readonly text: string;
  readonly source: Source;
}

/** For example `flag --debug`, `environment variable K3S_DEBUG` or `/etc/rancher/k3s/config.yaml line 3, key debug`. */
export function describeSetting(name: string, source: Source): string {
  if (source.kind === 'file') return `${source.path} line ${source.line}, key ${name}`;
  if (source.kind === 'environment') return `environment variable ${source.variable}`;
  return source.kind === 'flag' ? `flag --${name}` : `default of --${name}`;
}

/** An error about the value of an option; `expected` completes the sentence "expected …". Secrets are not repeated. */
export function invalidValue(option: Option, source: Source, text: string, expected: string): K3sError {
  const shown = option.secret === true ? 'the value' : JSON.stringify(text);
  return new K3sError(
    'K3S_CONFIG_VALUE',
    `${describeSetting(option.name, source)}: ${shown} is not valid, expected ${expected}`,
    { fields: { option: option.name }, hint: `Correct the value; \`k3s server --help\` describes ${option.name}` },
  );
}

/** An error about an option that does not exist; `where` is how the user wrote it, `dashes` what stands before an option there. */
export function unknownOption(where: string, name: string, dashes: '--' | '', options: readonly Option[]): K3sError {
  const match = nearest(
    name,
    options.map((option) => option.name),
  );
  const hint = match === undefined ? {} : { hint: `Did you mean ${dashes}${match}? \`--help\` lists every option` };
  return new K3sError('K3S_CONFIG_UNKNOWN_OPTION', `${where} is not an option`, { fields: { option: name }, ...hint });
}
