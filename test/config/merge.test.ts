import { describe, expect, test } from 'vitest';
import { mergeSettings } from '../../src/config/merge.ts';
import { findOption, type Option } from '../../src/config/option.ts';
import type { Setting, Source } from '../../src/config/setting.ts';

const base = { help: '', group: '' };
const OPTIONS = [
  { ...base, name: 'data-dir', type: 'string', default: '/data' },
  { ...base, name: 'token', type: 'string', secret: true },
  { ...base, name: 'debug', type: 'boolean' },
  { ...base, name: 'listen-port', type: 'integer', minimum: 1, maximum: 65535, default: 6443 },
  { ...base, name: 'log', type: 'choice', choices: ['text', 'json'], default: 'text' },
  { ...base, name: 'tls-san', type: 'list', merge: 'append', commas: true },
  { ...base, name: 'node-ip', type: 'list', merge: 'replace', commas: true },
  { ...base, name: 'node-label', type: 'list', merge: 'append' },
] as const satisfies readonly Option[];

const flag: Source = { kind: 'flag' };
const file: Source = { kind: 'file', path: '/etc/config.yaml', line: 3 };
const environment: Source = { kind: 'environment', variable: 'K3S_X' };

function setting(name: string, text: string, source: Source = flag): Setting {
  const option = findOption(OPTIONS, name);
  if (option === undefined) throw new Error(name);
  return { option, text, source };
}

function values(...settings: Setting[]): ReturnType<typeof mergeSettings<typeof OPTIONS>>['values'] {
  return mergeSettings(OPTIONS, [settings]).values;
}

describe('without settings', () => {
  test('every option has its default', () => {
    const merged = mergeSettings(OPTIONS, []);
    expect(merged.values).toEqual({
      dataDir: '/data',
      token: undefined,
      debug: false,
      listenPort: 6443,
      log: 'text',
      tlsSan: [],
      nodeIp: [],
      nodeLabel: [],
    });
    expect([...merged.sources.values()].flat()).toEqual(OPTIONS.map(() => ({ kind: 'default' })));
  });
});

describe('precedence', () => {
  test('the strongest layer that says something wins, and within it the last word', () => {
    const layers = [
      [setting('log', 'json', file), setting('data-dir', '/file', file)],
      [setting('data-dir', '/environment', environment)],
      [setting('listen-port', '1'), setting('listen-port', '2')],
    ];
    const merged = mergeSettings(OPTIONS, layers);
    expect(merged.values).toMatchObject({ log: 'json', dataDir: '/environment', listenPort: 2 });
    expect(merged.sources.get('log')).toEqual([file]);
    expect(merged.sources.get('data-dir')).toEqual([environment]);
  });

  test('lists of all layers are put together', () => {
    const merged = mergeSettings(OPTIONS, [
      [setting('tls-san', 'a', file), setting('tls-san', 'b', file)],
      [setting('tls-san', 'c')],
    ]);
    expect(merged.values.tlsSan).toEqual(['a', 'b', 'c']);
    expect(merged.sources.get('tls-san')).toEqual([file, file, flag]);
  });

  test('addresses of one thing replace those of a weaker layer', () => {
    const merged = mergeSettings(OPTIONS, [
      [setting('node-ip', '10.0.0.1', file)],
      [setting('node-ip', '10.0.0.2'), setting('node-ip', 'fd00::2')],
    ]);
    expect(merged.values.nodeIp).toEqual(['10.0.0.2', 'fd00::2']);
  });
});

describe('values', () => {
  test('are split at commas only where the option says so', () => {
    expect(values(setting('tls-san', 'a, b,,c'))).toMatchObject({ tlsSan: ['a', 'b', 'c'] });
    expect(values(setting('node-label', 'a=b,c'))).toMatchObject({ nodeLabel: ['a=b,c'] });
  });

  test('that are empty leave strings and lists unset', () => {
    expect(values(setting('data-dir', ''), setting('token', ''), setting('tls-san', ''))).toMatchObject({
      dataDir: '/data',
      token: undefined,
      tlsSan: [],
    });
  });

  test.each([
    ['true', true],
    ['1', true],
    ['T', true],
    ['yes', true],
    ['on', true],
    ['FALSE', false],
    ['0', false],
    ['n', false],
    ['off', false],
  ])('spell booleans as Go and YAML 1.1 do: %s', (text, expected) => {
    expect(values(setting('debug', text)).debug).toBe(expected);
  });

  test.each([
    ['debug', 'perhaps', 'true or false'],
    ['debug', '', 'true or false'],
    ['listen-port', 'http', 'a whole number from 1 to 65535'],
    ['listen-port', '0', 'a whole number from 1 to 65535'],
    ['listen-port', '65536', 'a whole number from 1 to 65535'],
    ['listen-port', '1.5', 'a whole number from 1 to 65535'],
    ['log', 'xml', 'one of text, json'],
  ])('of the wrong kind are refused: %s=%j', (name, text, expected) => {
    expect(() => values(setting(name, text))).toThrow(
      expect.objectContaining({
        code: 'K3S_CONFIG_VALUE',
        message: `flag --${name}: ${JSON.stringify(text)} is not valid, expected ${expected}`,
      }),
    );
  });

  test('are checked even where a stronger layer replaces them, and the source is named', () => {
    const layers = [[setting('log', 'xml', file)], [setting('log', 'json')]];
    expect(() => mergeSettings(OPTIONS, layers)).toThrow(/^\/etc\/config\.yaml line 3, key log: "xml"/);
    const variable = [[setting('log', 'xml', environment)]];
    expect(() => mergeSettings(OPTIONS, variable)).toThrow(/^environment variable K3S_X: "xml"/);
  });
});
