import { describe, expect, test } from 'vitest';
import { readConfigDocument } from '../../src/config/config-document.ts';

const PATH = '/etc/rancher/k3s/config.yaml';

function read(source: string): [string, readonly string[]][] {
  return readConfigDocument(PATH, source).map(({ key, append, texts }) => [`${key}${append ? '+' : ''}`, texts]);
}

function mistake(source: string): string {
  try {
    readConfigDocument(PATH, source);
  } catch (error) {
    expect(error).toMatchObject({ code: 'K3S_CONFIG_SYNTAX', fields: { path: PATH } });
    return (error as Error).message.slice(PATH.length + 1);
  }
  throw new Error('no error');
}

describe('a configuration file', () => {
  test('spells values as they stand, so that declared types can decide', () => {
    const source = 'write-kubeconfig-mode: 0644\nnode-name: no\ndebug: on\nversion: 1.10\nquoted: "a\\tb"\n';
    expect(read(source)).toEqual([
      ['write-kubeconfig-mode', ['0644']],
      ['node-name', ['no']],
      ['debug', ['on']],
      ['version', ['1.10']],
      ['quoted', ['a\tb']],
    ]);
  });

  test('has lists in block and flow form, and keys that append', () => {
    expect(read('tls-san:\n  - a\n  - "b: c"\ndisable: [x, y]\nnode-label+:\n- k=v\n')).toEqual([
      ['tls-san', ['a', 'b: c']],
      ['disable', ['x', 'y']],
      ['node-label+', ['k=v']],
    ]);
  });

  test('may say the same by an alias', () => {
    expect(read('a: &x [1, 2]\nb: *x\nc: &y z\nd: [*y, w]\n')).toEqual([
      ['a', ['1', '2']],
      ['b', ['1', '2']],
      ['c', ['z']],
      ['d', ['z', 'w']],
    ]);
  });

  test('has no value where it says null, unless that is quoted', () => {
    expect(read('a:\nb: ~\nc: null\nd: "null"\ne: ""\n')).toEqual([
      ['a', []],
      ['b', []],
      ['c', []],
      ['d', ['null']],
      ['e', ['']],
    ]);
  });

  test.each(['', '\n\n', '# only a comment\n', '---\n', 'null\n'])('may be empty: %j', (source) => {
    expect(read(source)).toEqual([]);
  });

  test('knows the line of each key', () => {
    const entries = readConfigDocument(PATH, '# comment\na: 1\n\nb:\n- 2\nc: 3\n');
    expect(entries.map(({ line }) => line)).toEqual([2, 4, 6]);
  });
});

describe('a broken configuration file is an error with line and column', () => {
  test('where the YAML is broken', () => {
    expect(mistake('a: 1\nb: [1, 2\nc: 3\n')).toMatch(/^line 3, column \d+: /);
    expect(mistake('a: 1\n\tb: 2\n')).toMatch(/^line 2, column 1: /);
    expect(mistake('a: "open\n')).toMatch(/^line \d+, column \d+: /);
  });

  test.each([
    ['- a\n', 'line 1, column 1: holds no mapping'],
    ['text\n', 'line 1, column 1: holds no mapping'],
    ['a: 1\nb:\n  c: 2\n', 'line 3, column 3: the value of b is a mapping'],
    ['a:\n- 1\n- [2]\n', 'line 3, column 3: an item of a is not a scalar'],
    ['a: 1\nb: 2\na: 3\n', 'line 3, column 1: the key a stands here a second time'],
    ['a: *x\n', 'line 1, column 5: an alias to an anchor'],
    ['[a]: 1\n', 'line 1, column 1: a key is not a name'],
    ['a: 1\n---\nb: 2\n', 'line 1, column 1: holds more than one document'],
  ])('where it is not what is expected: %j', (source, message) => {
    expect(mistake(source)).toContain(message);
  });

  test('but a key may be set and appended to', () => {
    expect(read('a: [1]\na+: [2]\n')).toEqual([
      ['a', ['1']],
      ['a+', ['2']],
    ]);
  });
});
