import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfigFiles } from '../../src/config/config-file.ts';
import type { Option } from '../../src/config/option.ts';

const base = { help: '', group: '' };
const OPTIONS: readonly Option[] = [
  { ...base, name: 'token', short: 't', type: 'string', secret: true },
  { ...base, name: 'node-label', type: 'list', merge: 'append' },
  { ...base, name: 'tls-san', type: 'list', merge: 'append' },
];

async function files(content: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'k3s-config-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  await mkdir(join(path, 'config.yaml.d'));
  for (const [name, text] of Object.entries(content)) await writeFile(join(path, name), text);
  return join(path, 'config.yaml');
}

async function read(content: Record<string, string>): Promise<[string, string][]> {
  const settings = await readConfigFiles(OPTIONS, await files(content), false);
  return settings.map(({ option, text }) => [option.name, text]);
}

describe('drop-ins', () => {
  test('replace what earlier files say, in the order of their names', async () => {
    const settings = await read({
      'config.yaml': 'token: main\nnode-label: [a=1]\n',
      'config.yaml.d/20-b.yaml': 'token: twenty\n',
      'config.yaml.d/10-a.yml': 'token: ten\nnode-label: [b=2, c=3]\n',
    });
    expect(settings).toEqual([
      ['token', 'twenty'],
      ['node-label', 'b=2'],
      ['node-label', 'c=3'],
    ]);
  });

  test('append to lists with a plus sign, whatever came before', async () => {
    const settings = await read({
      'config.yaml': 'node-label: a=1\n',
      'config.yaml.d/1.yaml': 'node-label+: b=2\ntls-san+: [x]\n',
      'config.yaml.d/2.yaml': 'node-label+: [c=3]\n',
    });
    expect(settings).toEqual([
      ['node-label', 'a=1'],
      ['node-label', 'b=2'],
      ['node-label', 'c=3'],
      ['tls-san', 'x'],
    ]);
  });

  test('work without a main file, and other files are not read', async () => {
    const settings = await read({
      'config.yaml.d/1.YAML': 'token: one\n',
      'config.yaml.d/2.yaml.bak': 'token: two\n',
      'config.yaml.d/README': 'not: [yaml\n',
    });
    expect(settings).toEqual([['token', 'one']]);
  });

  test('remember which line of which file each value comes from', async () => {
    const path = await files({ 'config.yaml': 'token: a\n', 'config.yaml.d/1.yaml': '\nnode-label: b=1\n' });
    const settings = await readConfigFiles(OPTIONS, path, true);
    expect(settings.map((setting) => setting.source)).toEqual([
      { kind: 'file', path, line: 1 },
      { kind: 'file', path: `${path}.d/1.yaml`, line: 2 },
    ]);
  });
});

describe('a missing configuration', () => {
  test('is fine unless the user named it', async () => {
    const path = await files({});
    expect(await readConfigFiles(OPTIONS, path, false)).toEqual([]);
    await expect(readConfigFiles(OPTIONS, path, true)).rejects.toMatchObject({
      code: 'K3S_CONFIG_FILE_MISSING',
      fields: { path },
    });
  });

  test('may be made up for by drop-ins', async () => {
    const path = await files({ 'config.yaml.d/1.yaml': 'token: a\n' });
    expect(await readConfigFiles(OPTIONS, path, true)).toHaveLength(1);
  });

  test('needs no drop-in directory', async () => {
    const path = await files({ 'config.yaml': 't: short\n' });
    await rm(`${path}.d`, { recursive: true });
    expect(await readConfigFiles(OPTIONS, path, true)).toMatchObject([{ text: 'short', option: { name: 'token' } }]);
  });
});

describe('mistakes', () => {
  test('an unknown key names its line and the nearest option', async () => {
    const path = await files({ 'config.yaml': 'token: a\nnode-lable: b\n' });
    await expect(readConfigFiles(OPTIONS, path, false)).rejects.toMatchObject({
      code: 'K3S_CONFIG_UNKNOWN_OPTION',
      message: `${path} line 2: node-lable is not an option`,
      hint: expect.stringContaining('Did you mean node-label?'),
    });
  });

  test.each(['token: [secret-a, secret-b]\n', 'token+: secret-a\n'])('a scalar is no list: %j', async (source) => {
    const path = await files({ 'config.yaml': source });
    const error: unknown = await readConfigFiles(OPTIONS, path, false).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'K3S_CONFIG_VALUE', message: expect.stringContaining('a single value') });
    expect(String(error)).not.toContain('secret-a');
  });

  test('a file that cannot be read is named', async () => {
    const path = await files({});
    await mkdir(path);
    await expect(readConfigFiles(OPTIONS, path, false)).rejects.toMatchObject({
      code: 'K3S_CONFIG_FILE_UNREADABLE',
      fields: { path },
    });
    await rm(path, { recursive: true });
    await rm(`${path}.d`, { recursive: true });
    await symlink('config.yaml.d', `${path}.d`);
    await expect(readConfigFiles(OPTIONS, path, false)).rejects.toMatchObject({
      code: 'K3S_CONFIG_FILE_UNREADABLE',
      fields: { path: `${path}.d` },
    });
  });
});
