/** The value of an argument; several values become several occurrences of the flag. */
export type ArgumentValue = string | readonly string[];

/**
 * Merges what the user gave with `--kube-apiserver-arg` and the like into a component's own arguments and returns the
 * command line, sorted by key (the rule of k3s).
 *
 * `key=value` replaces the built-in value, and repeated, repeats the flag; `key+=value` adds an occurrence after the
 * built-in ones, `key-=value` before them; a bare `key` means `key=true`. Leading dashes are optional.
 */
export function mergeExtraArguments(
  builtIn: Readonly<Record<string, ArgumentValue>>,
  extra: readonly string[],
): string[] {
  const merged = new Map<string, string[]>(Object.entries(builtIn).map(([key, value]) => [key, [value].flat()]));
  const replaced = new Set<string>();
  for (const item of extra) {
    const { key, operation, value } = parseExtraArgument(item);
    const values = merged.get(key) ?? [];
    if (operation === 'append') merged.set(key, [...values, value]);
    else if (operation === 'prepend') merged.set(key, [value, ...values]);
    else {
      merged.set(key, replaced.has(key) ? [...values, value] : [value]);
      replaced.add(key);
    }
  }
  return [...merged]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, values]) => values.map((value) => `--${key}=${value}`));
}

export interface ExtraArgument {
  readonly key: string;
  readonly operation: 'replace' | 'append' | 'prepend';
  readonly value: string;
}

/** Takes `--key=value`, `key+=value`, `key-=value` or `key` apart. The key is empty when the item has none. */
export function parseExtraArgument(item: string): ExtraArgument {
  const text = item.replace(/^--/, '');
  const at = text.indexOf('=');
  if (at < 0) return { key: text, operation: 'replace', value: 'true' };
  const sign = text[at - 1];
  const operation = sign === '+' ? 'append' : sign === '-' ? 'prepend' : 'replace';
  return { key: text.slice(0, operation === 'replace' ? at : at - 1), operation, value: text.slice(at + 1) };
}

/** The value of the last `key=…` among extra arguments, as the component will see it; undefined when there is none. */
export function extraArgument(extra: readonly string[], key: string): string | undefined {
  return extra.map(parseExtraArgument).findLast((argument) => argument.key === key)?.value;
}
