// Node 24 leaves `node:tls` without its functions, for the whole process, when `toLegacyObject` is used before that is loaded.
import 'node:tls';
import type { X509Certificate } from 'node:crypto';
import type { Subject } from './certificate.ts';

/** Whom a certificate names. Of several common names the last one counts, as for Go's programs. */
export function subjectOf(certificate: X509Certificate): Required<Subject> {
  return named(certificate.toLegacyObject().subject);
}

export function issuerOf(certificate: X509Certificate): Required<Subject> {
  return named(certificate.toLegacyObject().issuer);
}

/** Node's types forget that a certificate may name nobody, and that it may have several names of a kind. */
interface Names {
  readonly CN?: string | string[];
  readonly O?: string | string[];
}

function named(names: Names | undefined): Required<Subject> {
  return { commonName: [names?.CN ?? ''].flat().at(-1) ?? '', organizations: [names?.O ?? []].flat() };
}
