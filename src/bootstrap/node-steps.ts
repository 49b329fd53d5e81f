import { join } from 'node:path';
import type { ClusterClient } from '../cluster/client.ts';
import { isGone } from '../cluster/api-error.ts';
import { type Node, Nodes } from '../cluster/kinds.ts';
import { K3sError } from '../core/errors.ts';
import type { Manager } from '../framework/manager.ts';
import { containerdSocket } from '../node/containerd-config.ts';
import { ctrImageStore } from '../node/image-store.ts';
import { importImages, linkComponentImages } from '../node/images.ts';
import { nodeMetadata } from '../node/node-metadata.ts';
import { nodeMetadataController } from '../node/node-metadata-controller.ts';
import { podNetworkController } from '../node/pod-network-controller.ts';
import type { Credentials } from './credentials.ts';
import { writeEnginePlan } from './engine-plan.ts';
import type { ComponentSet } from './installed-components.ts';
import { prepareMachine } from './machine-checks.ts';
import { configurePodNetwork, labelsOf, prepareNode, writeContainerdFiles, type NodeInput } from './node-setup.ts';
import { CONTAINERD, containerdProcess, engineProcess, NODE } from './process-definitions.ts';
import type { ProcessTable } from './processes/process-table.ts';
import { listenerReady } from './readiness.ts';
import type { ServerOptions } from './server.ts';
import type { ServerPaths } from './server-paths.ts';
import type { StartGraph, StartStep } from './start-graph.ts';

interface ServerSteps {
  readonly machine: StartStep<void>;
  readonly components: StartStep<ComponentSet>;
  readonly credentials: StartStep<Credentials>;
  readonly processes: StartStep<ProcessTable>;
  readonly apiServer: StartStep<void>;
  readonly cluster: StartStep<ClusterClient>;
  readonly manager: StartStep<Manager>;
}

/** Adds the steps that make a server's machine a node of its own cluster. */
export function describeNode(graph: StartGraph, options: ServerOptions, paths: ServerPaths, server: ServerSteps): void {
  const { config, clock, log, environment } = options;

  const machine = graph.step('kernel', [server.machine], () => prepareMachine(config, environment, log));

  const input = graph.step('node files', [machine, server.components], (_scope, facts, set): Promise<NodeInput> => {
    const pauseImage = config.pauseImage ?? imageNamed(set, 'pause');
    return Promise.resolve({ config, paths, facts, pauseImage });
  });

  const containerd = graph.step('containerd', [input, server.processes], async (scope, node, table) => {
    table.ensure(containerdProcess(await writeContainerdFiles(node), paths, environment));
    scope.defer(() => table.stop(CONTAINERD));
    await listenerReady({ path: containerdSocket(paths.containerdState) }, { clock, signal: scope.signal });
  });

  const images = graph.step('images', [containerd, server.components], async (scope, _containerd, set) => {
    const current = join(paths.data, 'data/current');
    await linkComponentImages(
      paths.images,
      set.images.map(({ reference, path }) => ({ reference, path: join(current, path) })),
    );
    const store = ctrImageStore({
      command: [join(paths.programs, 'ctr')],
      socket: containerdSocket(paths.containerdState),
      snapshotter: config.snapshotter,
    });
    const report = await importImages(paths.images, store, log, scope.signal);
    for (const { archive, error } of report.failed)
      log.error('an image archive could not be imported', { archive, error });
  });

  // Not behind a ready API server: kubelet has as much to do before its first request. Nor long before: what asks in vain waits for
  // seconds before it asks again.
  const kubelet = graph.step(
    'kubelet',
    [input, containerd, server.credentials, server.processes, server.manager],
    async (scope, node, _containerd, credentials, table, manager) => {
      const plan = await writeEnginePlan(
        paths.agentEtc,
        NODE,
        await prepareNode(node, credentials.node, credentials.kubeconfigs),
        credentials.leafLifetime,
      );
      const { nodeName } = config;
      manager.add(podNetworkController, { nodeName, configure: (podCIDRs) => configurePodNetwork(node, podCIDRs) });
      const metadata = nodeMetadata({
        controlPlane: true,
        labels: labelsOf(config.nodeLabel),
        hostname: config.hostname,
        internalIPs: config.nodeIp,
        args: options.args,
        environment,
      });
      manager.add(nodeMetadataController, { nodeName, metadata });
      const { loopback: host, apiServerPort: port } = config;
      await listenerReady({ host, port }, { clock, signal: scope.signal });
      const startedAt = clock.now();
      table.ensure(engineProcess(NODE, plan, paths, environment));
      scope.defer(() => table.stop(NODE));
      return startedAt;
    },
  );

  graph.step(
    `node ${config.nodeName} Ready`,
    [kubelet, images, server.apiServer, server.cluster],
    (scope, startedAt, _images, _api, client) =>
      nodeReady(client, { name: config.nodeName, startedAt, signal: scope.signal }),
  );
}

function imageNamed(set: ComponentSet, name: string): string {
  const image = set.images.find(({ reference }) => new RegExp(`/${name}:`).test(reference));
  if (image !== undefined) return image.reference;
  throw new K3sError('K3S_COMPONENTS_MISSING', `there is no image ${name} among the components`, {
    hint: "Run 'node components/build.ts', or name another image with --pause-image.",
  });
}

interface AwaitedNode {
  readonly name: string;
  /** When its kubelet was started, in ms since the epoch. */
  readonly startedAt: number;
  readonly signal: AbortSignal;
}

/** Resolves when the kubelet of this start says that the node is Ready. What an earlier one said stays on the Node for a while. */
async function nodeReady(client: ClusterClient, { name, startedAt, signal }: AwaitedNode): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const { items, resourceVersion } = await client.list(Nodes, { fieldSelector: `metadata.name=${name}`, signal });
      if (items.some((node) => isReady(node, startedAt))) return;
      const events = client.watch(Nodes, {
        fieldSelector: `metadata.name=${name}`,
        resourceVersion,
        timeoutSeconds: 300,
        signal,
      });
      for await (const event of events) if (event.type !== 'BOOKMARK' && isReady(event.object, startedAt)) return;
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

function isReady(node: Node, since: number): boolean {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  // The API knows whole seconds only.
  return ready?.status === 'True' && Date.parse(ready.lastHeartbeatTime ?? '') >= Math.floor(since / 1000) * 1000;
}
