import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileSystemOf, takeInventory } from '../../src/node/host-inventory.ts';

test('the inventory of this machine is complete and speaks of the file system that the data directory will be on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inventory-'));
  try {
    const dataDirectory = join(folder, 'not', 'made', 'yet');
    const inventory = await takeInventory({ dataDirectory, ports: [], path: '/usr/bin:/bin' });
    expect(inventory.kernel.release).toMatch(/^\d+\./);
    expect(inventory.processStatus).toContain('CapEff:');
    expect(inventory.tools.has('mount')).toBe(true);
    expect(inventory.dataDirectory).toMatchObject({ path: dataDirectory, writeError: undefined });
    expect(inventory.dataDirectory.free).toBeGreaterThan(0);
    expect(inventory.dataDirectory.free).toBeLessThanOrEqual(inventory.dataDirectory.size);
    expect(inventory.dataDirectory.fileSystem).not.toBe('unknown');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the file system of a path is the one mounted last at or closest above it', () => {
  const mountInfo = [
    '22 1 254:0 / / rw - ext4 /dev/vda rw',
    '23 22 0:1 / /var rw - overlay overlay rw',
    '24 23 0:2 / /var/lib rw shared:5 - xfs /dev/vdb rw',
    '25 23 0:3 / /var/lib rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  expect(fileSystemOf('/var/lib/rancher', mountInfo)).toBe('tmpfs');
  expect(fileSystemOf('/var/library', mountInfo)).toBe('overlay');
  expect(fileSystemOf('/opt', mountInfo)).toBe('ext4');
});
