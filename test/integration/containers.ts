import type { K3sMachine } from './k3s-machine.ts';

/** By pod: the id of each container, and how often it was restarted. Equal before and after: nothing happened to them. */
export async function containersOf(cluster: K3sMachine): Promise<Record<string, string[]>> {
  const { items } = await cluster.get<{
    items: {
      metadata: { name: string };
      status: { containerStatuses?: { containerID: string; restartCount: number }[] };
    }[];
  }>('pods', '--all-namespaces');
  return Object.fromEntries(
    items.map(({ metadata, status: { containerStatuses = [] } }) => [
      metadata.name,
      containerStatuses.map(({ containerID, restartCount }) => `${containerID}, ${restartCount} restarts`),
    ]),
  );
}
