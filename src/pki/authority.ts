import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import { selfSignAuthority } from './certificate.ts';
import { readCertificateFile, readKeyFile } from './certificate-file.ts';
import { PRIVATE_FILE, PUBLIC_FILE, readTextFile, renameFile, writeFileAtomic } from './files.ts';
import { generateEcKey, privateKeyPem, signerOf } from './private-key.ts';

const HOUR = 3_600_000;
const AUTHORITY_LIFETIME = 10 * 365 * 24 * HOUR;

/** How far before now a new certificate becomes valid, so that nodes whose clocks are late accept it. */
export const CLOCK_TOLERANCE = HOUR;

const REMEDY =
  'Restore it from a backup or supply the certificate authority again; ' +
  'only where losing every certificate of the cluster is acceptable, delete both files of the pair';

/** A certificate authority on disk. */
export interface Authority {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The certificate that signs. */
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  /** Ends every path: the signing certificate itself, or the root of the chain that the user supplied. */
  readonly root: X509Certificate;
  /** The certificate file as it is: the signing certificate, then its chain. */
  readonly bundle: string;
}

/**
 * Uses the authority `<base>.crt` and `<base>.key`, or creates it when both files are missing. Never changes an existing file.
 *
 * A user's own authority is any complete pair: an EC, RSA or Ed25519 key, and the signing certificate followed by its chain up to the root.
 */
export async function ensureAuthority(base: string, namePrefix: string, clock: Clock): Promise<Authority> {
  const certificateFile = `${base}.crt`;
  const keyFile = `${base}.key`;
  const keyPem = await readTextFile(keyFile);
  const bundle = await readTextFile(certificateFile);
  if (keyPem !== undefined && bundle !== undefined) return load(certificateFile, keyFile, bundle, keyPem, clock);
  if (keyPem !== undefined) {
    const finished = await finishCreation(certificateFile, keyFile, keyPem, clock);
    if (finished !== undefined) return finished;
  }
  if (keyPem !== undefined) throw incomplete(`${keyFile} exists but ${certificateFile} does not`, certificateFile);
  if (bundle !== undefined) throw incomplete(`${certificateFile} exists but ${keyFile} does not`, keyFile);
  return create(certificateFile, keyFile, namePrefix, clock);
}

/** Reads the authority `<base>.crt` and `<base>.key` of a server that runs; never creates one. */
export async function readAuthority(base: string, clock: Clock): Promise<Authority> {
  const certificateFile = `${base}.crt`;
  const keyFile = `${base}.key`;
  const keyPem = await readTextFile(keyFile);
  const bundle = await readTextFile(certificateFile);
  if (keyPem === undefined) throw incomplete(`${keyFile} is gone`, keyFile);
  if (bundle === undefined) throw incomplete(`${certificateFile} is gone`, certificateFile);
  return load(certificateFile, keyFile, bundle, keyPem, clock);
}

function incomplete(message: string, path: string): K3sError {
  return new K3sError('K3S_PKI_INCOMPLETE_AUTHORITY', message, { fields: { path }, hint: REMEDY });
}

async function create(certificateFile: string, keyFile: string, namePrefix: string, clock: Clock): Promise<Authority> {
  const now = clock.now();
  const key = await generateEcKey();
  const certificate = selfSignAuthority(`${namePrefix}-ca@${Math.floor(now / 1000)}`, key, {
    notBefore: new Date(now - CLOCK_TOLERANCE),
    notAfter: new Date(now + AUTHORITY_LIFETIME),
  });
  const bundle = certificate.toString();
  await writeFileAtomic(staged(certificateFile), bundle, PUBLIC_FILE);
  await writeFileAtomic(keyFile, privateKeyPem(key), PRIVATE_FILE);
  await renameFile(staged(certificateFile), certificateFile);
  return { certificateFile, keyFile, certificate, key, root: certificate, bundle };
}

/** The certificate waits under this name until its key is in place, so that a crash between the two is not an incomplete pair. */
function staged(certificateFile: string): string {
  return `${certificateFile}.new`;
}

async function finishCreation(
  certificateFile: string,
  keyFile: string,
  keyPem: string,
  clock: Clock,
): Promise<Authority | undefined> {
  const bundle = await readTextFile(staged(certificateFile));
  if (bundle === undefined) return undefined;
  const authority = load(certificateFile, keyFile, bundle, keyPem, clock);
  await renameFile(staged(certificateFile), certificateFile);
  return authority;
}

function load(certificateFile: string, keyFile: string, bundle: string, keyPem: string, clock: Clock): Authority {
  const { certificate, chain } = readCertificateFile(certificateFile, bundle, REMEDY);
  const key = readKeyFile(keyFile, keyPem, REMEDY);
  if (!certificate.checkPrivateKey(key)) {
    throw new K3sError('K3S_PKI_KEY_MISMATCH', `${keyFile} is not the key of ${certificateFile}`, {
      fields: { path: keyFile },
      hint: `The first certificate of ${certificateFile} must be the one of the key; its chain follows. ${REMEDY}`,
    });
  }
  if (signerOf(key) === undefined) {
    throw refused(keyFile, 'holds a kind of key that cannot sign certificates here; use EC, RSA or Ed25519');
  }
  if (!certificate.ca) throw refused(certificateFile, 'holds a certificate that is not a certificate authority');
  if (certificate.validToDate.getTime() <= clock.now()) {
    throw refused(certificateFile, `holds a certificate authority that expired on ${certificate.validTo}`);
  }
  const root = findRoot(certificate, chain);
  if (root === undefined) {
    throw refused(certificateFile, 'holds an intermediate authority without the certificates up to its root');
  }
  return { certificateFile, keyFile, certificate, key, root, bundle };
}

function refused(path: string, what: string): K3sError {
  return new K3sError('K3S_PKI_UNUSABLE_AUTHORITY', `${path} ${what}`, {
    fields: { path },
    hint: 'Supply the signing certificate first, then each issuer up to the self-signed root, and the key of the first',
  });
}

/** Follows the issuers from `certificate` through `chain` to a self-signed certificate. */
export function findRoot(certificate: X509Certificate, chain: readonly X509Certificate[]): X509Certificate | undefined {
  let current = certificate;
  for (let step = 0; step <= chain.length; step++) {
    if (isIssuedBy(current, current)) return current;
    const issuer = chain.find((candidate) => candidate !== current && isIssuedBy(current, candidate));
    if (issuer === undefined) return undefined;
    current = issuer;
  }
  return undefined;
}

/** Whether `issuer` signed `certificate`: its name, key identifier and key usage fit, and so does the signature. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
