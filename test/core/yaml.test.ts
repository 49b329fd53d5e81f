import { describe, expect, test } from 'vitest';
import { readYaml, readYamlDocuments } from '../../src/core/yaml.ts';

/** What sigs.k8s.io/yaml v1.6.0 (YAMLToJSON) made of each text. */
const AS_GO_READS: readonly [string, unknown][] = [
  ['a: yes', { a: true }],
  ['a: y', { a: true }],
  ['a: on', { a: true }],
  ['a: Off', { a: false }],
  ['a: N', { a: false }],
  ['a: oN', { a: 'oN' }],
  ['a: "yes"', { a: 'yes' }],
  ["a: 'no'", { a: 'no' }],
  ['a: |\n  yes\n', { a: 'yes\n' }],
  ['a: NULL', { a: null }],
  ['a: ~', { a: null }],
  ['a: 0777', { a: 511 }],
  ['a: -0777', { a: -511 }],
  ['a: 0o17', { a: 15 }],
  ['a: 0O17', { a: 15 }],
  ['a: 08', { a: 8 }],
  ['a: 00', { a: 0 }],
  ['a: -0', { a: 0 }],
  ['a: 1_000', { a: 1000 }],
  ['a: 0_7', { a: 7 }],
  ['a: _7', { a: '_7' }],
  ['a: 0888_', { a: 888 }],
  ['a: 0x_1', { a: 1 }],
  ['a: 0X1f', { a: 31 }],
  ['a: -0x1F', { a: -31 }],
  ['a: 0x', { a: '0x' }],
  ['a: 0x1p3', { a: '0x1p3' }],
  ['a: 0b101', { a: 5 }],
  ['a: -0b101', { a: -5 }],
  ['a: +12', { a: 12 }],
  ['a: 1:30', { a: '1:30' }],
  ['a: 1e3', { a: 1000 }],
  ['a: 1e+3', { a: 1000 }],
  ['a: 1.', { a: 1 }],
  ['a: 1.e3', { a: 1000 }],
  ['a: .5', { a: 0.5 }],
  ['a: +.5', { a: 0.5 }],
  ['a: 0._5', { a: 0.5 }],
  ['a: 0777.5', { a: 777.5 }],
  ['a: 1e400', { a: '1e400' }],
  ['a: Inf', { a: 'Inf' }],
  ['a: 18446744073709551616', { a: 18446744073709551616 }],
  ['a: 2020-01-01', { a: '2020-01-01' }],
  ['a: 2001-12-14t21:59:43.10-05:00', { a: '2001-12-14t21:59:43.10-05:00' }],
  ['a: !!str 012', { a: '012' }],
  ['a: !!int "3"', { a: 3 }],
  ['a: !!float 3', { a: 3 }],
  ['y: 1', { true: 1 }],
  ['1.5: x', { '1.5': 'x' }],
  ['0x10: a', { '16': 'a' }],
  ['a: <<', { a: '<<' }],
  ['a: &x {b: 1}\nc:\n  <<: *x\n  d: 2', { a: { b: 1 }, c: { b: 1, d: 2 } }],
  ['{"a":1}', { a: 1 }],
  ['- 1\n- [2, yes]', [1, [2, true]]],
];

describe('reading YAML as Kubernetes does', () => {
  test.each(AS_GO_READS)('%j is what sigs.k8s.io/yaml reads', (text, expected) => {
    expect(readYaml(text, 'test')).toEqual(expected);
  });

  test.each([
    ['~: x', /key is empty or null/],
    ['? [a]\n: 1', /complex keys/],
    ['a: .inf', /not a number that JSON has/],
  ])('%j is refused', (text, message) => {
    expect(() => readYaml(text, 'test')).toThrow(message);
  });

  test('a key that stands twice is an error at its second place', () => {
    expect(() => readYaml('a: 1\nb: 2\na: 3\n', 'values')).toThrow(/^values, line 3, column 1: duplicat/);
  });

  test('a key named __proto__ is data', () => {
    const value = readYaml('__proto__: {polluted: true}', 'test') as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('aliases that would explode are refused', () => {
    const levels = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++) {
      const alias = `*a${level - 1}`;
      levels.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => alias).join(', ')}]`);
    }
    expect(() => readYaml(levels.join('\n'), 'test')).toThrow(/once its aliases are expanded/);
  });

  test('what an alias repeats is a copy of its own', () => {
    const value = readYaml('a: &a {size: 1}\nb: *a', 'test') as { a: { size: number }; b: { size: number } };
    value.a.size = 2;
    expect(value.b.size).toBe(1);
  });

  test('a second document where one is expected is an error with its line', () => {
    expect(() => readYaml('a: 1\n---\nb: 1', 'values')).toThrow('values, line 3: a second document');
  });

  test('text without a document reads as undefined', () => {
    expect(readYaml('# nothing\n\n', 'values')).toBeUndefined();
  });
});

describe('streams of documents', () => {
  test('empty documents and comments between separators are left out', () => {
    const text = '---\n---\n# only a comment\n---\na: 1\n---\n\n--- # b\nb: 2\n...\n';
    expect(readYamlDocuments(text)).toEqual([
      { index: 1, line: 5, value: { a: 1 } },
      { index: 2, line: 9, value: { b: 2 } },
    ]);
  });

  test('a broken document is reported with its place in the file and the others are read', () => {
    const documents = readYamlDocuments('a: 1\n---\nb: 1\nb: [\n---\nc: 1\n');
    expect(documents.map((document) => ('problem' in document ? 'broken' : document.value))).toEqual([
      { a: 1 },
      'broken',
      { c: 1 },
    ]);
    expect(documents[1]).toMatchObject({ index: 2, line: 3, problem: { line: expect.any(Number) } });
    expect((documents[1] as { problem: { line: number } }).problem.line).toBeGreaterThanOrEqual(4);
  });

  test('a document may begin on the line of its separator', () => {
    expect(readYamlDocuments('--- {a: 1}\n--- text\n')).toMatchObject([{ value: { a: 1 } }, { value: 'text' }]);
  });

  test('a directive belongs to the document after it', () => {
    expect(readYamlDocuments('%YAML 1.1\n---\na: yes\n')).toEqual([{ index: 1, line: 1, value: { a: true } }]);
  });

  test('Windows line ends and a byte order mark are read', () => {
    expect(readYamlDocuments('\uFEFFa: 1\r\n---\r\nb: 2\r\n')).toMatchObject([
      { value: { a: 1 } },
      { value: { b: 2 }, line: 3 },
    ]);
  });

  test('a separator inside a block scalar ends the document, as the YAML standard has it', () => {
    expect(readYamlDocuments('a: |\n  text\n---\nb: 1\n')).toMatchObject([
      { value: { a: 'text\n' } },
      { value: { b: 1 } },
    ]);
  });

  test('JSON with tabs is read', () => {
    expect(readYamlDocuments('{\n\t"a": "\\u00e9",\n\t"b": [1,\n\t2]\n}\n')).toMatchObject([
      { value: { a: 'é', b: [1, 2] } },
    ]);
  });
});
