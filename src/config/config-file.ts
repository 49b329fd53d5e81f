import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { K3sError, systemErrorCode } from '../core/errors.ts';
import { readConfigDocument, type ConfigEntry } from './config-document.ts';
import { findOption, type Option } from './option.ts';
import { invalidValue, unknownOption, type Setting } from './setting.ts';

/**
 * Reads the configuration file and the drop-ins `<path>.d/*.yaml` and `*.yml` in the order of their names. A later file
 * replaces what an earlier one says about a key; `key+` adds to it.
 *
 * `required`: whether the user named the file, so that it is an error when neither it nor a drop-in exists.
 */
export async function readConfigFiles(
  options: readonly Option[],
  path: string,
  required: boolean,
): Promise<readonly Setting[]> {
  const main = resolve(path);
  const files = [main, ...(await dropIns(`${main}.d`))];
  const merged = new Map<string, Setting[]>();
  let found = false;
  for (const file of files) {
    const source = await read(file);
    if (source === undefined) continue;
    found = true;
    for (const entry of readConfigDocument(file, source)) {
      const option = findOption(options, entry.key);
      if (option === undefined) {
        throw unknownOption(`${entry.path} line ${entry.line}: ${entry.key}`, entry.key, '', options);
      }
      const settings = toSettings(option, entry);
      merged.set(option.name, entry.append ? [...(merged.get(option.name) ?? []), ...settings] : settings);
    }
  }
  if (required && !found) {
    throw new K3sError('K3S_CONFIG_FILE_MISSING', `the configuration file ${main} does not exist`, {
      fields: { path: main },
      hint: 'Correct --config or K3S_CONFIG_FILE, or create the file',
    });
  }
  return [...merged.values()].flat();
}

function toSettings(option: Option, entry: ConfigEntry): Setting[] {
  const source = { kind: 'file', path: entry.path, line: entry.line } as const;
  if (option.type !== 'list' && (entry.texts.length > 1 || entry.append)) {
    throw invalidValue(option, source, entry.texts.join(', '), 'a single value, not a list');
  }
  return entry.texts.map((text) => ({ option, text, source }));
}

async function dropIns(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => /\.ya?ml$/i.test(name))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw unreadable(directory, error);
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): K3sError {
  return new K3sError('K3S_CONFIG_FILE_UNREADABLE', `cannot read the configuration ${path}`, {
    fields: { path },
    cause,
    hint: 'Run as root, or make the file readable',
  });
}
