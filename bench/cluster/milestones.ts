/**
 * Runs inside a machine beside a start, and prints one word when a milestone is reached: `api`, `node`, `coredns`.
 * Arguments: the kubeconfig, which may not be there yet; the node's name; the time of the start in milliseconds since the epoch.
 * What an earlier run of the cluster left in its database counts for nothing: the node has to have reported, and CoreDNS's
 * container to have begun, in this start.
 */
import type { ClusterClient, ListOptions } from '../../src/cluster/client.ts';
import { createHttpClient } from '../../src/cluster/http-client.ts';
import { loadKubeconfig } from '../../src/cluster/kubeconfig.ts';
import { Deployments, Nodes, Pods, type Deployment, type Node, type Pod } from '../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../src/cluster/object.ts';
import type { Resource } from '../../src/cluster/resource.ts';
import { systemClock } from '../../src/core/clock.ts';

const INTERVAL = 20;
const [kubeconfig = '', nodeName = '', began = ''] = process.argv.slice(2);
// Kubernetes' times have whole seconds.
const since = Math.floor(Number(began) / 1000) * 1000;

const isNew = (time: Date | string | undefined): boolean => time !== undefined && new Date(time).getTime() >= since;

function nodeReady(node: Node): boolean {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && isNew(ready.lastHeartbeatTime);
}

function podReady({ status }: Pod): boolean {
  const ready = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
  return ready && status?.containerStatuses?.every(({ state }) => isNew(state?.running?.startedAt)) === true;
}

function available({ status }: Deployment): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Available' && value === 'True') === true;
}

/** Resolves when one of the listed objects is as wanted. */
async function seen<T extends KubernetesObject>(
  client: ClusterClient,
  resource: Resource<T>,
  options: ListOptions,
  wanted: (object: T) => boolean,
): Promise<void> {
  for (;;) {
    try {
      const { items, resourceVersion } = await client.list(resource, options);
      if (items.some(wanted)) return;
      for await (const event of client.watch(resource, { ...options, resourceVersion })) {
        if (event.type !== 'BOOKMARK' && wanted(event.object)) return;
      }
    } catch {
      // A server that has just started may break off.
      await systemClock.sleep(INTERVAL);
    }
  }
}

async function apiReady(): Promise<ClusterClient> {
  for (;;) {
    try {
      const client = createHttpClient(await loadKubeconfig(kubeconfig), { clock: systemClock });
      for (;;) {
        const answer = await client.raw('GET', '/readyz').catch(() => undefined);
        if (answer?.status === 200) return client;
        await systemClock.sleep(INTERVAL);
      }
    } catch {
      await systemClock.sleep(INTERVAL);
    }
  }
}

console.log('watching');
const client = await apiReady();
console.log('api');
await Promise.all([
  seen(client, Nodes, { fieldSelector: `metadata.name=${nodeName}` }, nodeReady).then(() => console.log('node')),
  seen(client, Pods, { namespace: 'kube-system', labelSelector: 'k8s-app=kube-dns' }, podReady)
    .then(() =>
      seen(client, Deployments, { namespace: 'kube-system', fieldSelector: 'metadata.name=coredns' }, available),
    )
    .then(() => console.log('coredns')),
]);
process.exit(0);
