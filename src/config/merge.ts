import { camelCase, type Option, type OptionValues } from './option.ts';
import { invalidValue, type Setting, type Source } from './setting.ts';

/** The values of a table and, by option name, where each one comes from. */
export interface MergedOptions<Table extends readonly Option[]> {
  readonly values: OptionValues<Table>;
  readonly sources: ReadonlyMap<string, readonly Source[]>;
}

/**
 * Converts and merges settings. `layers` go from the weakest to the strongest; within a layer the last scalar wins.
 * Every setting is checked, also one that a stronger layer replaces.
 */
export function mergeSettings<const Table extends readonly Option[]>(
  options: Table,
  layers: readonly (readonly Setting[])[],
): MergedOptions<Table> {
  const sources = new Map<string, readonly Source[]>();
  const values = options.map((option): [string, unknown] => {
    const found = layers.map((layer) => layer.filter((setting) => setting.option.name === option.name));
    const converted = found.map((settings) => settings.map((setting) => ({ setting, value: convert(setting) })));
    const given = converted.filter((settings) => settings.length > 0);
    const used =
      option.type !== 'list'
        ? (given.at(-1)?.slice(-1) ?? [])
        : option.merge === 'replace'
          ? (given.at(-1) ?? [])
          : given.flat();
    sources.set(option.name, used.length > 0 ? used.map(({ setting }) => setting.source) : [{ kind: 'default' }]);
    const key = camelCase(option.name);
    if (option.type === 'list') return [key, Object.freeze(used.flatMap(({ value }) => value as string[]))];
    return [key, used[0] === undefined ? defaultValue(option) : used[0].value];
  });
  return { values: Object.fromEntries(values) as OptionValues<Table>, sources };
}

function defaultValue(option: Exclude<Option, { type: 'list' }>): string | number | boolean | undefined {
  return option.type === 'boolean' ? false : option.default;
}

const TRUE = /^(1|t|true|y|yes|on)$/i;
const FALSE = /^(0|f|false|n|no|off)$/i;

function convert({ option, text, source }: Setting): unknown {
  if (option.type === 'string') return text === '' ? option.default : text;
  if (option.type === 'boolean') {
    if (TRUE.test(text)) return true;
    if (FALSE.test(text)) return false;
    throw invalidValue(option, source, text, 'true or false');
  }
  if (option.type === 'integer') {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= option.minimum && value <= option.maximum) return value;
    throw invalidValue(option, source, text, `a whole number from ${option.minimum} to ${option.maximum}`);
  }
  if (option.type === 'choice') {
    if (option.choices.includes(text)) return text;
    throw invalidValue(option, source, text, `one of ${option.choices.join(', ')}`);
  }
  const items = option.commas === true ? text.split(',') : [text];
  return items.map((item) => item.trim()).filter((item) => item !== '');
}
