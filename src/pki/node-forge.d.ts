/**
 * The part of node-forge that is used. Only this module is loaded: the whole package costs several times its memory and start-up time.
 * Bytes are strings with one character per byte.
 */
declare module 'node-forge/lib/asn1.js' {
  /** A node of an ASN.1 tree; `type` is the tag number. */
  export interface Asn1Node {
    readonly tagClass: number;
    readonly type: number;
    readonly constructed: boolean;
    readonly value: string | Asn1Node[];
  }

  interface ByteBuffer {
    getBytes(): string;
  }

  const asn1: {
    readonly Class: Readonly<Record<'UNIVERSAL' | 'CONTEXT_SPECIFIC', number>>;
    readonly Type: Readonly<
      Record<
        | 'BOOLEAN'
        | 'INTEGER'
        | 'BITSTRING'
        | 'OCTETSTRING'
        | 'NULL'
        | 'OID'
        | 'UTF8'
        | 'SEQUENCE'
        | 'SET'
        | 'UTCTIME'
        | 'GENERALIZEDTIME',
        number
      >
    >;
    create(tagClass: number, type: number, constructed: boolean, value: string | Asn1Node[]): Asn1Node;
    /** Throws when `bytes` is not DER; in strict mode also when bytes are missing or left over. */
    fromDer(bytes: string, options: { strict: boolean; parseAllBytes: boolean; decodeBitStrings: boolean }): Asn1Node;
    toDer(node: Asn1Node): ByteBuffer;
    oidToDer(oid: string): ByteBuffer;
    dateToUtcTime(date: Date): string;
    dateToGeneralizedTime(date: Date): string;
  };
  export default asn1;
}
