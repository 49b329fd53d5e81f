import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { footprintOf } from '../../../src/node/killall/footprint.ts';
import { readContainers } from '../../../src/node/killall/containers.ts';

test('containers are known from bundles and from containerd’s own records, shims’ sockets from the bundles', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'containers-'));
  const footprint = { ...footprintOf(join(folder, 'data'), 'node'), runDirectory: join(folder, 'run') };
  try {
    expect(await readContainers(footprint)).toEqual({ ids: new Set(), shimSockets: [] });
    const bundles = join(footprint.runDirectory, 'containerd/io.containerd.runtime.v2.task/k8s.io');
    const records = join(footprint.dataDirectory, 'agent/containerd/io.containerd.grpc.v1.cri');
    for (const id of ['p1', 'c1', 'half']) await mkdir(join(bundles, id), { recursive: true });
    await mkdir(join(records, 'sandboxes', 'p1'), { recursive: true });
    await mkdir(join(records, 'containers', 'c2'), { recursive: true });
    const bootstrap = JSON.stringify({ version: 3, address: 'unix:///run/containerd/s/abc', protocol: 'ttrpc' });
    await writeFile(join(bundles, 'p1', 'bootstrap.json'), bootstrap);
    await writeFile(join(bundles, 'c1', 'bootstrap.json'), bootstrap);
    expect(await readContainers(footprint)).toEqual({
      ids: new Set(['p1', 'c1', 'half', 'c2']),
      shimSockets: ['/run/containerd/s/abc'],
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
