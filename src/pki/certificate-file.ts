import { X509Certificate, type KeyObject } from 'node:crypto';
import { K3sError } from '../core/errors.ts';
import { parsePrivateKey } from './private-key.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, in order; other text around them is ignored. Throws when one cannot be parsed. */
export function parseCertificates(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

/** A certificate file that was read: never empty. */
export interface CertificateFile {
  readonly certificate: X509Certificate;
  /** The certificates that follow the first one: its chain. */
  readonly chain: readonly X509Certificate[];
}

/** Reads the content of the certificate file `path`; `remedy` says what to do when it is damaged. */
export function readCertificateFile(path: string, pem: string, remedy: string): CertificateFile {
  try {
    const [certificate, ...chain] = parseCertificates(pem);
    if (certificate !== undefined) return { certificate, chain };
  } catch (error) {
    throw damaged(path, 'holds a certificate that cannot be read', remedy, error);
  }
  throw damaged(path, 'holds no PEM certificate', remedy);
}

/** Reads the content of the private key file `path`; `remedy` says what to do when it is damaged. */
export function readKeyFile(path: string, pem: string, remedy: string): KeyObject {
  try {
    return parsePrivateKey(pem);
  } catch (error) {
    const why = pem.includes('ENCRYPTED') ? 'holds an encrypted private key' : 'holds no private key that can be read';
    throw damaged(path, why, remedy, error);
  }
}

function damaged(path: string, what: string, hint: string, cause?: unknown): K3sError {
  return new K3sError('K3S_PKI_DAMAGED_FILE', `${path} ${what}`, { fields: { path }, hint, cause });
}
