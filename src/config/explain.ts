import { camelCase, defaultText, type Option } from './option.ts';
import type { ServerConfig } from './server-config.ts';
import { SERVER_OPTIONS } from './server-options.ts';
import { describeSetting, type Source } from './setting.ts';

/** An option as it is in force. */
export interface ExplainedOption {
  readonly name: string;
  /** Text; empty when unset. Secrets are hidden. */
  readonly value: string;
  /** Where the value comes from, for people. */
  readonly source: string;
}

const HIDDEN = '********';

/** What every option of a server is set to, and by what. */
export function explain(config: ServerConfig): ExplainedOption[] {
  const values = new Map<string, unknown>(Object.entries(config));
  values.set('writeKubeconfigMode', config.writeKubeconfigMode.toString(8).padStart(4, '0'));
  values.set('datastoreEndpoint', `${config.datastore.kind}://${config.datastore.path}`);
  return SERVER_OPTIONS.filter((option) => values.has(camelCase(option.name))).map((option) => ({
    name: option.name,
    value: show(option, values.get(camelCase(option.name))),
    source: describeSources(option, config.sources),
  }));
}

/** One line for each option: `name = value  (source)`. */
export function renderExplanation(options: readonly ExplainedOption[]): string {
  return options.map(({ name, value, source }) => `${name} = ${value}  (${source})\n`).join('');
}

function show(option: Option, value: unknown): string {
  if (value === undefined) return '';
  if (option.secret === true && option.name !== 'datastore-endpoint') return HIDDEN;
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function describeSources(option: Option, all: ReadonlyMap<string, readonly Source[]>): string {
  const file = `${option.name}-file`;
  const name = all.get(option.name)?.every(isDefault) === true && all.has(file) ? file : option.name;
  const sources = all.get(name) ?? [];
  if (!sources.every(isDefault)) return [...new Set(sources.map((source) => describeSetting(name, source)))].join(', ');
  const text = option.otherwise === undefined ? undefined : defaultText(option);
  return text === undefined ? 'default' : `default: ${text}`;
}

function isDefault(source: Source): boolean {
  return source.kind === 'default';
}
