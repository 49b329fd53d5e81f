import { createHash, createPublicKey, randomBytes, X509Certificate, type KeyObject } from 'node:crypto';
import { ipAddressBytes, parseIpAddress } from '../core/ip-address.ts';
import {
  bitString,
  booleanTrue,
  children,
  decodeDer,
  encodeDer,
  explicit,
  implicit,
  isContextTag,
  objectIdentifier,
  octetString,
  primitiveBytes,
  sequence,
  set,
  time,
  unsignedInteger,
  utf8String,
  type DerNode,
} from './der.ts';
import { signerOf, signWith } from './private-key.ts';

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** What a certificate may be used for: to prove a client's identity, a server's, or both. */
export type KeyUsage = 'client' | 'server';

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface LeafRequest extends Validity {
  readonly subject: Subject;
  readonly publicKey: KeyObject;
  readonly usages: readonly KeyUsage[];
  /** DNS names and IP addresses, told apart by their form. */
  readonly names: readonly string[];
}

/** A certificate and the private key that belongs to it. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

const USAGE_OID: Readonly<Record<KeyUsage, string>> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };

/** Bits of the key usage extension (RFC 5280 §4.2.1.3), most significant first. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_ENCIPHERMENT = 0x20;
const KEY_CERT_SIGN = 0x04;

/** A self-signed certificate authority (RFC 5280). */
export function selfSignAuthority(commonName: string, key: KeyObject, validity: Validity): X509Certificate {
  const subject = distinguishedName({ commonName });
  const publicKey = createPublicKey(key);
  const keyId = keyIdentifier(publicKey);
  return assemble(key, subject, subject, publicKey, validity, [
    keyUsageExtension(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_CERT_SIGN, 2),
    extension(OID.basicConstraints, sequence(booleanTrue()), true),
    extension(OID.subjectKeyIdentifier, octetString(keyId)),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyId))),
  ]);
}

/** A certificate for `request.publicKey`, signed by `issuer` (RFC 5280). */
export function issueLeaf(issuer: Issuer, request: LeafRequest): X509Certificate {
  const signedBy = readIssuer(issuer.certificate);
  const extensions = [
    keyUsageExtension(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT, 5),
    extension(OID.extendedKeyUsage, sequence(...request.usages.map((usage) => objectIdentifier(USAGE_OID[usage])))),
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(request.publicKey))),
  ];
  if (signedBy.keyId !== undefined) {
    extensions.push(extension(OID.authorityKeyIdentifier, sequence(implicit(0, signedBy.keyId))));
  }
  if (request.names.length > 0) {
    extensions.push(extension(OID.subjectAlternativeName, sequence(...request.names.map(generalName))));
  }
  const subject = distinguishedName(request.subject);
  return assemble(issuer.key, signedBy.name, subject, request.publicKey, request, extensions);
}

function assemble(
  key: KeyObject,
  issuer: DerNode,
  subject: DerNode,
  publicKey: KeyObject,
  validity: Validity,
  extensions: readonly DerNode[],
): X509Certificate {
  const signer = signerOf(key);
  if (signer === undefined) throw new TypeError(`a key of type ${key.asymmetricKeyType} cannot sign certificates`);
  const body = sequence(
    explicit(0, unsignedInteger(Uint8Array.of(2))),
    unsignedInteger(serialNumber()),
    signer.algorithm,
    issuer,
    sequence(time(validity.notBefore), time(validity.notAfter)),
    subject,
    decodeDer(publicKey.export({ format: 'der', type: 'spki' })),
    explicit(3, sequence(...extensions)),
  );
  const signature = signWith(key, signer, encodeDer(body));
  return new X509Certificate(encodeDer(sequence(body, signer.algorithm, bitString(signature))));
}

/** 63 random bits, so that the number is positive. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(8);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes;
}

function distinguishedName(subject: Subject): DerNode {
  const attribute = (oid: string, text: string): DerNode => set(sequence(objectIdentifier(oid), utf8String(text)));
  return sequence(
    ...(subject.organizations ?? []).map((organization) => attribute(OID.organization, organization)),
    attribute(OID.commonName, subject.commonName),
  );
}

function extension(oid: string, value: DerNode, critical = false): DerNode {
  return sequence(objectIdentifier(oid), ...(critical ? [booleanTrue()] : []), octetString(encodeDer(value)));
}

function keyUsageExtension(bits: number, unusedBits: number): DerNode {
  return extension(OID.keyUsage, bitString(Uint8Array.of(bits), unusedBits), true);
}

function generalName(name: string): DerNode {
  const address = parseIpAddress(name);
  return address === undefined ? implicit(2, Buffer.from(name, 'latin1')) : implicit(7, ipAddressBytes(address));
}

/** The first 160 bits of the SHA-256 of the public key information (RFC 7093 §2, method 4). */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const information = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(information).digest().subarray(0, 20);
}

/** An issuer's subject, which has to be repeated to the byte, and its key identifier if it has one. */
function readIssuer(certificate: X509Certificate): { name: DerNode; keyId: Buffer | undefined } {
  const [body] = children(decodeDer(certificate.raw));
  const fields = children(body).filter((field) => !isContextTag(field, 0));
  const name = fields[4];
  if (name === undefined) throw new TypeError('the issuer is not a certificate');
  const extensions = children(children(fields.find((field) => isContextTag(field, 3)))[0]);
  const identifier = encodeDer(objectIdentifier(OID.subjectKeyIdentifier));
  const found = extensions.find((item) => {
    const [oid] = children(item);
    return oid !== undefined && encodeDer(oid).equals(identifier);
  });
  const value = primitiveBytes(children(found).at(-1));
  return { name, keyId: value && primitiveBytes(decodeDer(value)) };
}
