import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { readKeyFile } from './certificate-file.ts';
import { PRIVATE_FILE, readTextFile, writeFileAtomic, writeFileIfChanged } from './files.ts';
import { generateRsaKey, privateKeyPem } from './private-key.ts';

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----\n?/;

const REMEDY =
  'Restore it from a backup; if it is deleted, a new key is made and every service account token has to be issued again';

/** The keys of service account tokens. */
export interface ServiceAccountKeys {
  /** One or more keys: all verify. */
  readonly keyFile: string;
  /** The first of them alone: it signs. */
  readonly signingKeyFile: string;
}

/** Uses `service.key` in `directory` or creates it, and keeps `service.current.key` a copy of its first key. */
export async function ensureServiceAccountKeys(directory: string): Promise<ServiceAccountKeys> {
  const keyFile = join(directory, 'service.key');
  const signingKeyFile = join(directory, 'service.current.key');
  let pem = await readTextFile(keyFile);
  if (pem === undefined) {
    pem = privateKeyPem(await generateRsaKey());
    await writeFileAtomic(keyFile, pem, PRIVATE_FILE);
  }
  const first = PRIVATE_KEY.exec(pem)?.[0] ?? pem;
  const key: KeyObject = readKeyFile(keyFile, first, REMEDY);
  await writeFileIfChanged(signingKeyFile, privateKeyPem(key), PRIVATE_FILE);
  return { keyFile, signingKeyFile };
}
