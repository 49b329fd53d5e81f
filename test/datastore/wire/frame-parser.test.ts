import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameParser } from '../../../src/datastore/wire/frame-parser.ts';
import { Code } from '../../../src/datastore/wire/status.ts';

function frame(content: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(content.length, 1);
  return Buffer.concat([prefix, content]);
}

describe('FrameParser', () => {
  test('finds the messages however the bytes are cut', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (contents, cuts) => {
        const stream = Buffer.concat(contents.map(frame));
        const seen: Buffer[] = [];
        const parser = new FrameParser(50, (message) => seen.push(Buffer.from(message)));
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const length = cuts[turn % cuts.length] as number;
          parser.push(stream.subarray(at, at + length));
          at += length;
        }
        expect(seen).toEqual(contents.map((content) => Buffer.from(content)));
      }),
    );
  });

  test('refuses a message over the limit as soon as its length is known', () => {
    const parser = new FrameParser(10, () => {});
    expect(() => parser.push(frame(Buffer.alloc(11)).subarray(0, 5))).toThrow(
      expect.objectContaining({
        code: Code.RESOURCE_EXHAUSTED,
        message: 'grpc: received message larger than max (11 vs. 10)',
      }),
    );
  });

  test('refuses compressed messages', () => {
    const parser = new FrameParser(10, () => {});
    expect(() => parser.push(Buffer.from([1, 0, 0, 0, 0]))).toThrow(
      expect.objectContaining({ code: Code.UNIMPLEMENTED }),
    );
  });
});
