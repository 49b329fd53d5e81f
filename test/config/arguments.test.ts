import { describe, expect, test } from 'vitest';
import { parseArguments, readEnvironment } from '../../src/config/arguments.ts';
import type { Option } from '../../src/config/option.ts';

const base = { help: '', group: '' };
const OPTIONS: readonly Option[] = [
  { ...base, name: 'debug', env: 'K3S_DEBUG', type: 'boolean' },
  { ...base, name: 'token', short: 't', env: 'K3S_TOKEN', type: 'string', placeholder: 'TOKEN' },
  { ...base, name: 'tls-san', type: 'list', merge: 'append' },
];

function read(...argv: string[]): [string, string][] {
  return parseArguments(OPTIONS, argv).settings.map(({ option, text }) => [option.name, text]);
}

describe('a command line', () => {
  test.each([
    ['--token value', ['token', 'value']],
    ['--token=value', ['token', 'value']],
    ['-token value', ['token', 'value']],
    ['-t value', ['token', 'value']],
    ['-t=value', ['token', 'value']],
    ['--token=', ['token', '']],
    ['--token=a=b', ['token', 'a=b']],
    ['--token --debug', ['token', '--debug']],
    ['--debug', ['debug', 'true']],
    ['--debug=false', ['debug', 'false']],
  ])('may say %s', (line, setting) => {
    expect(read(...line.split(' '))).toEqual([setting]);
  });

  test('keeps repeated flags in order', () => {
    expect(read('--tls-san', 'a', '--debug', '--tls-san=b')).toEqual([
      ['tls-san', 'a'],
      ['debug', 'true'],
      ['tls-san', 'b'],
    ]);
  });

  test('never takes a value for a boolean from the next word', () => {
    expect(parseArguments(OPTIONS, ['--debug', 'false']).positional).toEqual(['false']);
  });

  test('has no flags after two dashes', () => {
    const parsed = parseArguments(OPTIONS, ['a', '-', '--', '--debug']);
    expect(parsed).toMatchObject({ settings: [], positional: ['a', '-', '--debug'] });
  });

  test.each(['--help', '-h', '-help'])('asks for help with %s', (flag) => {
    expect(parseArguments(OPTIONS, ['--debug', flag]).help).toBe(true);
    expect(parseArguments(OPTIONS, ['--debug']).help).toBe(false);
  });

  test('with an unknown flag is an error that names the nearest one, without the value', () => {
    expect(() => read('--tokn=secret')).toThrow(
      expect.objectContaining({
        code: 'K3S_CONFIG_UNKNOWN_OPTION',
        message: 'flag --tokn is not an option',
        hint: expect.stringContaining('Did you mean --token?'),
      }),
    );
  });

  test('that ends where a value is due is an error', () => {
    expect(() => read('--token')).toThrow(
      expect.objectContaining({ code: 'K3S_CONFIG_MISSING_VALUE', hint: 'Write --token=TOKEN' }),
    );
  });
});

describe('the environment', () => {
  test('sets the options that have a variable', () => {
    const settings = readEnvironment(OPTIONS, { K3S_TOKEN: 'secret', OTHER: 'x' });
    expect(settings).toEqual([
      { option: OPTIONS[1], text: 'secret', source: { kind: 'environment', variable: 'K3S_TOKEN' } },
    ]);
  });

  test('sets nothing by an empty variable', () => {
    expect(readEnvironment(OPTIONS, { K3S_TOKEN: '', K3S_DEBUG: undefined })).toEqual([]);
  });
});
