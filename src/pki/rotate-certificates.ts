import { cp, copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { K3sError } from '../core/errors.ts';
import { NODE_TLS, SERVER_TLS, type LeafPlace } from './certificate-places.ts';
import { noCertificates } from './certificate-status.ts';
import { readTextFile, removeFile } from './files.ts';

/**
 * Removes leaf certificates and their keys, so that new ones are issued: by a server that runs at once, else by the next start.
 * Everything is copied before, to `server/tls-<unix time>` as k3s does; resolves with that folder.
 */
export async function rotateCertificates(dataDir: string, places: readonly LeafPlace[], now: number): Promise<string> {
  const backup = join(dataDir, `server/tls-${Math.floor(now / 1000)}`);
  const files: string[] = [];
  for (const path of places.flatMap(({ base }) => [`${base}.crt`, `${base}.key`])) {
    if ((await readTextFile(join(dataDir, path))) !== undefined) files.push(path);
  }
  if (files.length === 0) throw noCertificates(dataDir);
  try {
    await mkdir(backup, { mode: 0o700 });
    await cp(join(dataDir, SERVER_TLS), backup, { recursive: true, preserveTimestamps: true });
    for (const path of files.filter((file) => file.startsWith(`${NODE_TLS}/`))) {
      await copyFile(join(dataDir, path), join(backup, basename(path)));
    }
  } catch (cause) {
    throw new K3sError('K3S_PKI_BACKUP', `cannot copy the certificates to ${backup}; none was removed`, {
      cause,
      fields: { path: backup },
      hint: 'Run it as root, and on a disk with some space left.',
    });
  }
  for (const path of files) await removeFile(join(dataDir, path));
  return backup;
}
