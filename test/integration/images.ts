import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildImage } from '../../components/image.ts';
import { K3sError } from '../../src/core/errors.ts';
import type { Machine } from '../machine.ts';

/** Small programs for pods: a shell whose built-in commands are httpd, nc, nslookup, wget and the like. */
export const TEST_TOOLS = 'k3s.local/test-tools:1';

/** Of Debian's package busybox-static: needs no libraries, so it is all that the image holds. */
const BUSYBOX = '/bin/busybox';

const folder = resolve(import.meta.dirname, '../../.cache/test');

/** Puts the archive of TEST_TOOLS where a server of this machine looks for images when it starts. */
export async function addTestTools(machine: Machine, dataDir = '/var/lib/rancher/k3s'): Promise<void> {
  const busybox = await readFile(BUSYBOX).catch((cause: unknown) => {
    throw new K3sError('K3S_TEST_BUSYBOX', `${BUSYBOX} cannot be read`, {
      cause,
      hint: "Install Debian's package busybox-static.",
    });
  });
  const image = await buildImage({
    reference: TEST_TOOLS,
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    // kubectl cp runs tar; everything else is built into the shell.
    files: { '/bin/sh': busybox, '/bin/tar': busybox },
    entrypoint: ['/bin/sh'],
  });
  const archive = join(folder, 'test-tools.tar');
  await mkdir(folder, { recursive: true });
  await writeFile(archive, image);
  // The machine sees the repository, and so the archive, at the same place.
  await machine.run(`mkdir -p ${dataDir}/agent/images; cp ${archive} ${dataDir}/agent/images/`);
}
