import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Footprint } from './footprint.ts';

/** What containerd's directories say about the node's containers, also when containerd itself is gone. */
export interface ContainerFacts {
  ids: ReadonlySet<string>;
  /** Unix sockets of the shims, which are outside the run directory. */
  shimSockets: readonly string[];
}

export async function readContainers(footprint: Footprint): Promise<ContainerFacts> {
  const bundles = join(footprint.runDirectory, 'containerd', 'io.containerd.runtime.v2.task', 'k8s.io');
  const known = join(footprint.dataDirectory, 'agent', 'containerd', 'io.containerd.grpc.v1.cri');
  const folders = [bundles, join(known, 'sandboxes'), join(known, 'containers')];
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const running = names[0] ?? [];
  const sockets = await Promise.all(running.map((id) => shimSocket(join(bundles, id)).catch(() => undefined)));
  return {
    ids: new Set(names.flat()),
    shimSockets: [...new Set(sockets.filter((socket) => socket !== undefined))],
  };
}

async function shimSocket(bundle: string): Promise<string | undefined> {
  const { address } = JSON.parse(await readFile(join(bundle, 'bootstrap.json'), 'utf8')) as { address?: string };
  return address?.startsWith('unix://') === true ? address.slice('unix://'.length) : undefined;
}
