interface OptionBase {
  /** As in `--name` and as the key in the configuration file. */
  readonly name: string;
  /** One letter, as in `-t`. */
  readonly short?: string;
  readonly help: string;
  readonly group: string;
  /** Stands for the value in the help text, such as `DIR`. */
  readonly placeholder?: string;
  /** Says in words what happens without the option, where there is no constant default. */
  readonly otherwise?: string;
  /** The value is never shown. */
  readonly secret?: true;
}

interface ScalarBase extends OptionBase {
  /** The environment variable that sets it. */
  readonly env?: string;
}

export interface StringOption extends ScalarBase {
  readonly type: 'string';
  readonly default?: string;
}

export interface BooleanOption extends ScalarBase {
  readonly type: 'boolean';
}

export interface IntegerOption extends ScalarBase {
  readonly type: 'integer';
  readonly minimum: number;
  readonly maximum: number;
  readonly default?: number;
}

export interface ChoiceOption extends ScalarBase {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}

export interface ListOption extends OptionBase {
  readonly type: 'list';
  /** Whether one occurrence may hold several items, separated by commas. */
  readonly commas?: true;
  /**
   * What happens when the file and the command line both give items: as in k3s they are put together; where that cannot
   * make sense (addresses of one thing), those of the command line replace those of the file.
   */
  readonly merge: 'append' | 'replace';
}

/** One setting as data: the command line, the environment, the configuration file, the help and the types all follow from it. */
export type Option = StringOption | BooleanOption | IntegerOption | ChoiceOption | ListOption;

/** `data-dir` → `dataDir` */
export type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type ValueOf<O extends Option> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly type: 'list' }
    ? readonly string[]
    : O extends { readonly type: 'choice'; readonly choices: readonly (infer Choice)[] }
      ? Choice
      : O extends { readonly type: 'integer' }
        ? number | MissingValue<O>
        : string | MissingValue<O>;

type MissingValue<O> = O extends { readonly default: unknown } ? never : undefined;

/** The values of a table of options, by their names in camel case. */
export type OptionValues<Table extends readonly Option[]> = {
  readonly [O in Table[number] as CamelCase<O['name']>]: ValueOf<O>;
};

export function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The option that has this name, or this one-letter name. */
export function findOption(options: readonly Option[], name: string): Option | undefined {
  return options.find((option) => option.name === name || option.short === name);
}

/** The default as text: of a constant, in words, or undefined. */
export function defaultText(option: Option): string | undefined {
  if (option.otherwise !== undefined) return option.otherwise;
  if (option.type === 'boolean') return 'false';
  return option.type === 'list' || option.default === undefined ? undefined : String(option.default);
}
