import { resolve } from 'node:path';
import { CERTIFICATE_CHECK_OPTIONS } from '../config/commands.ts';
import { loadMachineOptions } from '../config/data-dir.ts';
import { systemClock } from '../core/clock.ts';
import { AUTHORITY_PLACES } from '../pki/certificate-places.ts';
import { AUTHORITY_SERVICE } from '../pki/certificate-services.ts';
import { reportCertificates } from '../pki/certificate-status.ts';
import { renderCertificates } from '../pki/certificate-table.ts';
import { leavesNamed } from './certificate-services.ts';

/** Prints until when this machine's certificates are valid. The exit status is 1 when one of them is not OK. */
export async function run(args: readonly string[]): Promise<number> {
  const { dataDir, service, output } = await loadMachineOptions(CERTIFICATE_CHECK_OPTIONS, args, process.env);
  const leafServices = service.filter((name) => name !== AUTHORITY_SERVICE);
  const onlyAuthorities = service.length > 0 && leafServices.length === 0;
  const places = [
    ...(onlyAuthorities ? [] : leavesNamed(leafServices)),
    ...(service.length === 0 || service.includes(AUTHORITY_SERVICE) ? AUTHORITY_PLACES : []),
  ];
  const reports = await reportCertificates(resolve(dataDir), places, systemClock.now());
  process.stdout.write(renderCertificates(reports, output));
  return reports.every(({ status }) => status === 'OK') ? 0 : 1;
}
