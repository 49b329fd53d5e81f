import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import { CLOCK_TOLERANCE, isIssuedBy, type Authority } from './authority.ts';
import { issueLeaf, type KeyUsage, type Subject } from './certificate.ts';
import { readCertificateFile, readKeyFile } from './certificate-file.ts';
import { subjectOf } from './distinguished-name.ts';
import { PRIVATE_FILE, readTextFile, removeFile, writeFileAtomic } from './files.ts';
import { generateEcKey, privateKeyPem } from './private-key.ts';
import { renewalOf } from './renewal.ts';

const REMEDY = 'Delete the .crt and .key files of this pair; they are issued again at once, or at the next start';

/** What a leaf certificate has to say. */
export interface LeafProfile {
  readonly subject: Subject;
  readonly usages: readonly KeyUsage[];
  readonly names: readonly string[];
}

/** A leaf certificate on disk, with its chain, and its key. */
export interface Leaf {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The leaf followed by its authority's bundle. */
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Why it was issued now; undefined when what was on disk is in use. */
  readonly issuedBecause: string | undefined;
}

export interface EnsureLeafOptions {
  /** The path of the pair without `.crt` and `.key`. */
  readonly base: string;
  readonly authority: Authority;
  readonly profile: LeafProfile;
  readonly clock: Clock;
  /** Milliseconds from issuing to expiry. */
  readonly lifetime: number;
  readonly certificateMode: number;
}

/** Uses the pair on disk while it fits the profile, else issues it again; the key is kept unless the authority's key is another. */
export async function ensureLeaf(options: EnsureLeafOptions): Promise<Leaf> {
  const certificateFile = `${options.base}.crt`;
  const keyFile = `${options.base}.key`;
  const certificatePem = await readTextFile(certificateFile);
  const keyPem = await readTextFile(keyFile);
  const key = keyPem === undefined ? undefined : readKeyFile(keyFile, keyPem, REMEDY);
  const files = { certificateFile, keyFile };
  if (certificatePem === undefined) return issue(options, files, key, 'it was missing');
  const { certificate } = readCertificateFile(certificateFile, certificatePem, REMEDY);
  if (key === undefined || keyPem === undefined) return issue(options, files, undefined, 'its key was missing');
  if (!certificate.checkPrivateKey(key)) {
    throw new K3sError('K3S_PKI_KEY_MISMATCH', `${keyFile} is not the key of ${certificateFile}`, {
      fields: { path: keyFile },
      hint: REMEDY,
    });
  }
  if (!isIssuedBy(certificate, options.authority.certificate)) {
    return issue(options, files, undefined, 'its authority has changed');
  }
  // What is issued is not valid before its authority is, so doing that again would not help.
  const now = Math.max(options.clock.now(), options.authority.certificate.validFromDate.getTime());
  const reason = reasonToRenew(certificate, options.profile, now);
  if (reason !== undefined) return issue(options, files, key, reason);
  return { ...files, certificatePem, keyPem, issuedBecause: undefined };
}

/** Why a certificate no longer fits its profile; undefined when it does. Further names in the certificate are no reason. */
export function reasonToRenew(certificate: X509Certificate, profile: LeafProfile, now: number): string | undefined {
  if (now > renewalOf(certificate)) return `it expires on ${certificate.validTo}`;
  if (certificate.validFromDate.getTime() > now) return `it is not valid before ${certificate.validFrom}`;
  const subject = subjectOf(certificate);
  if (subject.commonName !== profile.subject.commonName) return 'its common name has changed';
  const organizations = [...subject.organizations].sort();
  const wanted = [...(profile.subject.organizations ?? [])].sort();
  if (!isDeepStrictEqual(organizations, wanted)) return 'its organizations have changed';
  const missing = profile.names.find((name) => !hasName(certificate, name));
  return missing === undefined ? undefined : `it lacks the name ${missing}`;
}

function hasName(certificate: X509Certificate, name: string): boolean {
  return isIP(name) > 0
    ? certificate.checkIP(name) !== undefined
    : certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined;
}

/** A new certificate for a public key, in PEM, followed by its authority's bundle. */
export function signLeaf(
  authority: Authority,
  profile: LeafProfile,
  publicKey: KeyObject,
  validity: { readonly clock: Clock; readonly lifetime: number },
): string {
  const now = validity.clock.now();
  const certificate = issueLeaf(authority, {
    ...profile,
    publicKey,
    notBefore: new Date(Math.max(now - CLOCK_TOLERANCE, authority.certificate.validFromDate.getTime())),
    notAfter: new Date(now + validity.lifetime),
  });
  return certificate.toString() + authority.bundle;
}

async function issue(
  options: EnsureLeafOptions,
  files: { certificateFile: string; keyFile: string },
  existingKey: KeyObject | undefined,
  because: string,
): Promise<Leaf> {
  const key = existingKey ?? (await generateEcKey());
  const certificatePem = signLeaf(options.authority, options.profile, createPublicKey(key), options);
  const keyPem = privateKeyPem(key);
  if (existingKey === undefined) {
    // A crash must not leave the old certificate beside the new key: a missing certificate is issued at the next start.
    await removeFile(files.certificateFile);
    await writeFileAtomic(files.keyFile, keyPem, PRIVATE_FILE);
  }
  await writeFileAtomic(files.certificateFile, certificatePem, options.certificateMode);
  return { ...files, certificatePem, keyPem, issuedBecause: because };
}
