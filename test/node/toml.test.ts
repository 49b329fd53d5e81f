import { describe, expect, test } from 'vitest';
import { renderToml } from '../../src/node/toml.ts';

describe('renderToml', () => {
  test('puts values before sub-tables, whatever their order, because a header takes in all that follows', () => {
    expect(renderToml({ inner: { a: 1 }, version: 3 })).toBe('version = 3\n\n[inner]\na = 1\n');
  });

  test('quotes keys that are not bare words and gives nested tables their full header', () => {
    expect(renderToml({ plugins: { 'io.containerd.cri.v1.images': { snapshotter: 'native' } } })).toBe(
      '[plugins."io.containerd.cri.v1.images"]\nsnapshotter = "native"\n',
    );
  });

  test('leaves out undefined values and tables that hold only tables', () => {
    expect(renderToml({ a: { b: { c: true } }, d: undefined })).toBe('[a.b]\nc = true\n');
  });

  test('escapes quotes, backslashes, control characters and DEL', () => {
    expect(renderToml({ text: 'a"b\\c\n\u007f' })).toBe('text = "a\\"b\\\\c\\n\\u007f"\n');
  });

  test('writes lists of strings', () => {
    expect(renderToml({ dirs: ['/a', '/b'], none: [] })).toBe('dirs = ["/a", "/b"]\nnone = []\n');
  });
});
