import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeKeyValue } from '../../../../src/datastore/wire/codec/key-value.ts';
import {
  bool,
  bytes,
  defineMessage,
  int64,
  int64Exact,
  key,
  message,
  packedInt64,
  repeated,
  text,
} from '../../../../src/datastore/wire/codec/message.ts';
import { MalformedMessage, Reader } from '../../../../src/datastore/wire/codec/reader.ts';
import { Writer } from '../../../../src/datastore/wire/codec/writer.ts';
import { KeyValue } from '../../../../src/datastore/wire/messages/kv.ts';

const Inner = defineMessage({ number: int64(1), exact: int64Exact(2) });
const Outer = defineMessage({
  flag: bool(1),
  key: key(2),
  text: text(3),
  bytes: bytes(4),
  inner: message(5, Inner),
  list: repeated(message(6, Inner)),
  names: repeated(text(7)),
  packed: packedInt64(8),
  far: int64(1000),
});

const safeInteger = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const inner = fc.record({ number: safeInteger, exact: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) });

describe('Message', () => {
  test('what is encoded is decoded again, whatever it is', () => {
    const outer = fc.record({
      flag: fc.boolean(),
      key: latin1,
      text: fc.string({ unit: 'grapheme' }),
      bytes: fc.uint8Array({ maxLength: 600 }).map((content) => Buffer.from(content)),
      inner: fc.option(inner, { nil: undefined }),
      list: fc.array(inner),
      names: fc.array(fc.string()),
      packed: fc.array(safeInteger),
      far: safeInteger,
    });
    fc.assert(
      fc.property(outer, (content) => {
        expect(Outer.decode(Outer.encode(content))).toEqual(content);
      }),
    );
  });

  test('an empty message has the defaults, and an absent message differs from an empty one', () => {
    expect(Outer.decode(Buffer.alloc(0))).toEqual({
      flag: false,
      key: '',
      text: '',
      bytes: Buffer.alloc(0),
      inner: undefined,
      list: [],
      names: [],
      packed: [],
      far: 0,
    });
    expect(Outer.decode(Outer.encode({ inner: {} })).inner).toEqual({ number: 0, exact: 0n });
    expect(Outer.encode({}).length).toBe(0);
  });

  test('unknown fields of every wire type are skipped', () => {
    const Newer = defineMessage({ number: int64(1), more: int64(90), words: text(91) });
    const extra = Newer.encode({ number: 5, more: 7, words: 'x' });
    const fixed = Buffer.from([
      ((92 << 3) & 0x7f) | 0x80 | 5,
      92 >> 4,
      1,
      2,
      3,
      4,
      ((93 << 3) & 0x7f) | 0x80 | 1,
      93 >> 4,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
    ]); // prettier-ignore
    expect(Inner.decode(Buffer.concat([extra, fixed])).number).toBe(5);
  });

  test('a known field in an unexpected wire type is skipped', () => {
    const Wrong = defineMessage({ number: text(1), exact: int64Exact(2) });
    expect(Inner.decode(Wrong.encode({ number: 'x', exact: 3n }))).toEqual({ number: 0, exact: 3n });
  });

  test('numbers beyond 2^53 keep their size, and exact ones every digit', () => {
    const largest = 2n ** 63n - 1n;
    const encoded = defineMessage({ number: int64Exact(1), exact: int64Exact(2) }).encode({
      number: largest,
      exact: largest,
    });
    expect(Inner.decode(encoded)).toEqual({ number: 2 ** 63, exact: largest });
  });

  test.each([
    ['ends inside a number', [0x08, 0x80]],
    ['has a number of more than ten bytes', [0x08, ...Array<number>(11).fill(0x80)]],
    ['has an exact number of more than ten bytes', [0x10, ...Array<number>(11).fill(0x80)]],
    ['has an unknown wire type', [0x0f]],
    ['has an unknown field that is longer than it', [0x9a, 0x06, 0x05, 0x00]],
  ])('a message that %s is refused', (_, content) => {
    expect(() => Inner.decode(Buffer.from(content))).toThrow(MalformedMessage);
  });

  test.each([
    ['a field that is longer than the message', [0x12, 0x05, 0x61]],
    ['a field of negative length', [0x12, ...Array<number>(9).fill(0xff), 0x01]],
    ['a nested message that ends inside its number', [0x2a, 0x01, 0x08, 0x01]],
  ])('%s is refused', (_, content) => {
    expect(() => Outer.decode(Buffer.from(content))).toThrow(MalformedMessage);
  });

  test('random bytes are decoded or refused, and never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (content) => {
        try {
          Outer.decode(Buffer.from(content));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('Writer', () => {
  test('grows to any size and frames a message for gRPC', () => {
    const writer = new Writer(1);
    writer.bytes(Buffer.alloc(1000, 7));
    writer.tag(4, 2);
    const frame = writer.finishFrame();
    expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
    expect(frame[0]).toBe(0);
    expect(Outer.decode(frame.subarray(5)).bytes).toEqual(Buffer.alloc(1000, 7));
  });

  test('writes numbers that the reader reads', () => {
    fc.assert(
      fc.property(safeInteger, (number) => {
        const writer = new Writer(1);
        writer.varint(number);
        expect(new Reader(writer.finish()).varint()).toBe(number);
      }),
    );
  });
});

describe('encodeKeyValue', () => {
  test('encodes any pair in exactly the space that it needs', () => {
    const natural = fc.nat(Number.MAX_SAFE_INTEGER);
    const pair = fc.record({
      key: latin1,
      createRevision: natural,
      modRevision: natural,
      version: natural,
      lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    });
    fc.assert(
      fc.property(pair, fc.uint8Array({ maxLength: 300 }), (fields, value) => {
        const encoded = encodeKeyValue(fields, value);
        const content = { ...fields, value: Buffer.from(value) };
        expect(encoded).toEqual(KeyValue.encode(content));
        expect(encoded.buffer.byteLength).toBe(encoded.length);
      }),
    );
  });
});
