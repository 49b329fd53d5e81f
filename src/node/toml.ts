/** What a TOML table of ours may hold. A key whose value is undefined is left out. */
export interface TomlTable {
  readonly [key: string]: TomlValue | TomlTable | undefined;
}

export type TomlValue = string | number | boolean | readonly string[];

/** TOML 1.0 text of a table: its values first, then its sub-tables under full headers, in the order of the keys. */
export function renderToml(table: TomlTable): string {
  return renderTable([], table).join('\n\n') + '\n';
}

function renderTable(path: readonly string[], table: TomlTable): string[] {
  const values: string[] = [];
  const blocks: string[] = [];
  for (const [key, value] of Object.entries(table)) {
    if (value === undefined) continue;
    if (isTable(value)) blocks.push(...renderTable([...path, key], value));
    else values.push(`${renderKey(key)} = ${renderValue(value)}`);
  }
  if (values.length > 0) {
    const header = path.length === 0 ? [] : [`[${path.map(renderKey).join('.')}]`];
    blocks.unshift([...header, ...values].join('\n'));
  }
  return blocks;
}

function isTable(value: TomlValue | TomlTable): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value);
}

function renderKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : renderString(key);
}

function renderValue(value: TomlValue): string {
  if (typeof value === 'string') return renderString(value);
  if (typeof value === 'object') return `[${value.map(renderString).join(', ')}]`;
  return String(value);
}

/** JSON's escapes are a subset of those of TOML's basic strings; only DEL must be escaped in TOML but not in JSON. */
function renderString(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}
