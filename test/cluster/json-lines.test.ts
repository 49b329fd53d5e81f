import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonLines } from '../../src/cluster/json-lines.ts';

async function* pieces(...buffers: Buffer[]): AsyncIterable<Buffer> {
  yield* buffers;
}

const read = (...buffers: Buffer[]): Promise<unknown[]> => Array.fromAsync(jsonLines(pieces(...buffers)));

test('documents come out whole however the stream is cut, inside characters too', async () => {
  const documents = [{ name: 'grüße' }, [1, 2], 'a\nb', { deep: { er: null } }, ''];
  const stream = Buffer.from(documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: stream.length })), async (cuts) => {
      const bounds = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
      const parts = bounds.slice(1).map((end, at) => stream.subarray(bounds[at], end));
      expect(await read(...parts)).toEqual(documents);
    }),
  );
});

test('empty lines are nothing', async () => {
  expect(await read(Buffer.from('\n{"a":1}\n\n'))).toEqual([{ a: 1 }]);
});

test('a line that the end of the stream cut off is dropped', async () => {
  expect(await read(Buffer.from('{"a":1}\n{"a":'))).toEqual([{ a: 1 }]);
});

test('a whole line that is not JSON is an error', async () => {
  await expect(read(Buffer.from('{"a":\n'))).rejects.toThrow(SyntaxError);
});
