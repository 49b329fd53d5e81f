import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { K3sError } from '../core/errors.ts';
import { readCertificateFile } from './certificate-file.ts';
import type { CertificatePlace } from './certificate-places.ts';
import { issuerOf, subjectOf } from './distinguished-name.ts';
import { readTextFile } from './files.ts';
import { renewalOf } from './renewal.ts';

export type CertificateStatus = 'OK' | 'WARNING' | 'EXPIRED' | 'NOT YET VALID';

/** One line of `k3s certificate check`. */
export interface CertificateReport {
  /** Below the folder of its kind: `etcd/client.crt`. */
  readonly filename: string;
  /** Common names. */
  readonly subject: string;
  readonly issuer: string;
  /** `CertSign`, `ServerAuth`, `ClientAuth`. */
  readonly usages: readonly string[];
  /** In ms since the epoch. Of one that is not yet valid, when it becomes so. */
  readonly expires: number;
  /** Until its end, in ms; negative after it. */
  readonly residual: number;
  readonly status: CertificateStatus;
}

const USAGES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'ServerAuth',
  '1.3.6.1.5.5.7.3.2': 'ClientAuth',
};

/** Looks at the certificates that are there; there has to be one. A damaged one is K3S_PKI_DAMAGED_FILE. */
export async function reportCertificates(
  dataDir: string,
  places: readonly CertificatePlace[],
  now: number,
): Promise<CertificateReport[]> {
  const reports: CertificateReport[] = [];
  for (const { base } of places) {
    const path = join(dataDir, `${base}.crt`);
    const pem = await readTextFile(path);
    if (pem === undefined) continue;
    const { certificate } = readCertificateFile(path, pem, REMEDY);
    reports.push(reportCertificate(base.replace(/^(server\/tls|agent)\//, '') + '.crt', certificate, now));
  }
  if (reports.length === 0) throw noCertificates(dataDir);
  return reports;
}

/** For commands that are given a folder without what they need. */
export function noCertificates(dataDir: string): K3sError {
  return new K3sError('K3S_PKI_NO_CERTIFICATES', `there are no such certificates below ${dataDir}`, {
    fields: { path: dataDir },
    hint: 'A server makes them when it starts; --data-dir says where another one keeps its own.',
  });
}

const REMEDY = 'An authority: restore it. Any other: delete it and its key, the server issues it again';

/** WARNING says that it should have been replaced: from 120 days before its end, or when a third of a shorter life is left. */
export function reportCertificate(filename: string, certificate: X509Certificate, now: number): CertificateReport {
  const from = certificate.validFromDate.getTime();
  const until = certificate.validToDate.getTime();
  const status =
    now < from ? 'NOT YET VALID' : now > until ? 'EXPIRED' : now > renewalOf(certificate) ? 'WARNING' : 'OK';
  return {
    filename,
    subject: subjectOf(certificate).commonName,
    issuer: issuerOf(certificate).commonName,
    usages: [
      ...(certificate.ca ? ['CertSign'] : []),
      // Node's types forget that a certificate may have none.
      ...((certificate.keyUsage as string[] | undefined) ?? []).map((oid) => USAGES[oid] ?? oid),
    ],
    expires: status === 'NOT YET VALID' ? from : until,
    residual: until - now,
    status,
  };
}
