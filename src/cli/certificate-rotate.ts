import { resolve } from 'node:path';
import { CERTIFICATE_ROTATE_OPTIONS } from '../config/commands.ts';
import { loadMachineOptions } from '../config/data-dir.ts';
import { systemClock } from '../core/clock.ts';
import { rotateCertificates } from '../pki/rotate-certificates.ts';
import { leavesNamed } from './certificate-services.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { dataDir, service } = await loadMachineOptions(CERTIFICATE_ROTATE_OPTIONS, args, process.env);
  const backup = await rotateCertificates(resolve(dataDir), leavesNamed(service), systemClock.now());
  process.stdout.write(
    `The certificates are put aside in ${backup}. A server that runs replaces them at once, any other when it starts.\n`,
  );
  return 0;
}
