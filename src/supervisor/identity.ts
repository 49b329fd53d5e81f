import type { TLSSocket } from 'node:tls';

/** Who a request comes from, in Kubernetes' terms. */
export interface Identity {
  readonly name: string;
  readonly groups: readonly string[];
  /** Further facts, as kube-apiserver keeps them in the user's `extra`. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The parts of a client certificate that make an identity; the shape is that of Node's `PeerCertificate`. */
export interface CertificateSubject {
  readonly subject?: { readonly CN?: string | string[]; readonly O?: string | string[] };
  readonly fingerprint256?: string;
}

/**
 * The identity that a connection's client certificate proves, or undefined: no certificate, or one that does not lead to the
 * client authority. A resumed TLS 1.3 session counts as verified even when it never had a certificate, so both the verdict and
 * the certificate are asked for.
 */
export function identityOfConnection(socket: TLSSocket): Identity | undefined {
  return socket.authorized ? certificateIdentity(socket.getPeerCertificate()) : undefined;
}

/**
 * As kube-apiserver reads client certificates: the common name is the user (the last one, if there are several), each
 * organisation is a group. Undefined when there is no name, or when name or groups cannot be passed on in a header unchanged:
 * HTTP drops the blanks around a value, so " admin" must not become "admin".
 */
export function certificateIdentity(certificate: CertificateSubject): Identity | undefined {
  const name = list(certificate.subject?.CN).at(-1);
  const groups = list(certificate.subject?.O);
  if (name === undefined || name === '' || ![name, ...groups].every(survivesHeader)) return undefined;
  const fingerprint = certificate.fingerprint256?.replaceAll(':', '').toLowerCase();
  if (fingerprint === undefined) return { name, groups };
  return { name, groups, extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] } };
}

function survivesHeader(value: string): boolean {
  return value.trim() === value && !/\p{Cc}/u.test(value);
}

function list(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
