import asn1, { type Asn1Node } from 'node-forge/lib/asn1.js';

/** A value in the distinguished encoding rules (ITU-T X.690). */
export type DerNode = Asn1Node;

const { Class, Type } = asn1;

function universal(type: number, value: string): DerNode {
  return asn1.create(Class.UNIVERSAL, type, false, value);
}

/** node-forge keeps bytes in strings, one character each. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

export function sequence(...items: readonly DerNode[]): DerNode {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...items]);
}

export function set(...items: readonly DerNode[]): DerNode {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, [...items]);
}

/** `dotted`: an object identifier such as `2.5.4.3`. */
export function objectIdentifier(dotted: string): DerNode {
  return universal(Type.OID, asn1.oidToDer(dotted).getBytes());
}

/** A non-negative integer from its big-endian bytes. */
export function unsignedInteger(bytes: Uint8Array): DerNode {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const negative = ((digits[0] ?? 0) & 0x80) !== 0;
  return universal(Type.INTEGER, `${negative ? '\0' : ''}${binary(digits)}`);
}

export function booleanTrue(): DerNode {
  return universal(Type.BOOLEAN, '\xff');
}

export function nullValue(): DerNode {
  return universal(Type.NULL, '');
}

export function octetString(bytes: Uint8Array): DerNode {
  return universal(Type.OCTETSTRING, binary(bytes));
}

/** `unusedBits`: how many of the last byte's low bits are not part of the string. */
export function bitString(bytes: Uint8Array, unusedBits = 0): DerNode {
  return universal(Type.BITSTRING, String.fromCharCode(unusedBits) + binary(bytes));
}

export function utf8String(text: string): DerNode {
  return universal(Type.UTF8, binary(Buffer.from(text, 'utf8')));
}

/** UTCTime until 2049 and GeneralizedTime from then on, as RFC 5280 §4.1.2.5 demands. */
export function time(date: Date): DerNode {
  return date.getUTCFullYear() < 2050
    ? universal(Type.UTCTIME, asn1.dateToUtcTime(date))
    : universal(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

/** `[tag] EXPLICIT`. */
export function explicit(tag: number, content: DerNode): DerNode {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [content]);
}

/** `[tag] IMPLICIT` of a primitive type. */
export function implicit(tag: number, bytes: Uint8Array): DerNode {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes));
}

export function encodeDer(node: DerNode): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

/** Throws when `bytes` is not one DER value and nothing else. */
export function decodeDer(bytes: Uint8Array): DerNode {
  return asn1.fromDer(binary(bytes), { strict: true, parseAllBytes: true, decodeBitStrings: false });
}

/** The items of a constructed node; empty for a primitive one. */
export function children(node: DerNode | undefined): readonly DerNode[] {
  return Array.isArray(node?.value) ? node.value : [];
}

/** The content bytes of a primitive node; undefined for a constructed one. */
export function primitiveBytes(node: DerNode | undefined): Buffer | undefined {
  return typeof node?.value === 'string' ? Buffer.from(node.value, 'latin1') : undefined;
}

export function isContextTag(node: DerNode | undefined, tag: number): boolean {
  return node?.tagClass === Class.CONTEXT_SPECIFIC && node.type === tag;
}
