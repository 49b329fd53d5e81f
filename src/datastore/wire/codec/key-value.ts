const NO_LEASE = 0n;

/** What mvccpb.KeyValue holds besides the value. */
export interface KeyValueFields {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/**
 * mvccpb.KeyValue in wire form, in a buffer of exactly its size, because it is kept as long as the value is cached: every
 * reply and event that carries the pair copies these bytes instead of encoding it again.
 */
export function encodeKeyValue(fields: KeyValueFields, value: Uint8Array): Buffer {
  const lease = BigInt.asUintN(64, fields.lease);
  const size =
    lengthDelimitedSize(fields.key.length) +
    fieldSize(fields.createRevision) +
    fieldSize(fields.modRevision) +
    fieldSize(fields.version) +
    lengthDelimitedSize(value.length) +
    (lease === NO_LEASE ? 0 : 1 + exactSize(lease));
  const target = Buffer.allocUnsafeSlow(size);
  let at = 0;
  const varint = (number: number): void => {
    let rest = number;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[at++] = (rest % 0x80) | 0x80;
    target[at++] = rest;
  };
  const number = (tag: number, content: number): void => {
    if (content === 0) return;
    target[at++] = tag;
    varint(content);
  };
  if (fields.key.length > 0) {
    target[at++] = 0x0a;
    varint(fields.key.length);
    at += target.write(fields.key, at, 'latin1');
  }
  number(0x10, fields.createRevision);
  number(0x18, fields.modRevision);
  number(0x20, fields.version);
  if (value.length > 0) {
    target[at++] = 0x2a;
    varint(value.length);
    target.set(value, at);
    at += value.length;
  }
  if (lease !== NO_LEASE) {
    target[at++] = 0x30;
    let rest = lease;
    for (; rest >= 0x80n; rest >>= 7n) target[at++] = Number(rest & 0x7fn) | 0x80;
    target[at] = Number(rest);
  }
  return target;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function exactSize(value: bigint): number {
  let size = 1;
  for (let rest = value; rest >= 0x80n; rest >>= 7n) size++;
  return size;
}

function fieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

function lengthDelimitedSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length) + length;
}
