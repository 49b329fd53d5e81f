import type { ServerConfig } from '../config/server-config.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { checkHost, hostErrors, type HostCheck } from '../node/host-checks.ts';
import { takeInventory } from '../node/host-inventory.ts';
import { setUpKernel } from '../node/kernel-setup.ts';
import type { WantedPort } from '../node/listeners.ts';
import { nodePorts } from '../node/node-ports.ts';
import { readNodeFacts, type NodeFacts } from '../node/node-facts.ts';

/** What a server without a node asks of its machine. */
const SERVER_CHECKS: ReadonlySet<ErrorCode> = new Set([
  'K3S_HOST_DATA_DIRECTORY',
  'K3S_HOST_DISK_FULL',
  'K3S_HOST_PORT_IN_USE',
]);

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is checked on this machine before a server of this configuration starts. */
export async function machineChecks(
  config: ServerConfig,
  environment: Environment,
  ports: readonly WantedPort[],
): Promise<HostCheck[]> {
  const inventory = await takeInventory({ dataDirectory: config.dataDir, ports, path: environment['PATH'] ?? '' });
  const checks = checkHost(inventory, { snapshotter: config.snapshotter, flannelBackend: config.flannelBackend });
  return config.disableAgent ? checks.filter(({ code }) => SERVER_CHECKS.has(code)) : checks;
}

/** Rejects with the first thing that a server cannot run without; the others, and what is merely worse, go into the log. */
export async function requireMachine(config: ServerConfig, environment: Environment, log: Logger): Promise<void> {
  const checks = await machineChecks(config, environment, []);
  for (const { status, name, found, remedy } of checks) {
    if (status !== 'ok') log.warn('machine check', { check: name, found, remedy });
  }
  const [error] = hostErrors(checks);
  if (error !== undefined) throw error;
}

/** Ports of loopback and of the node, which would otherwise fail one by one in the components' logs. The front has its own check. */
export function wantedPorts(config: ServerConfig): WantedPort[] {
  const { loopback, bindAddress } = config;
  const controlPlane = [
    { port: config.apiServerPort, address: loopback, owner: 'kube-apiserver' },
    ...(config.disableControllerManager ? [] : [{ port: 10257, address: loopback, owner: 'kube-controller-manager' }]),
    ...(config.disableScheduler ? [] : [{ port: 10259, address: loopback, owner: 'kube-scheduler' }]),
  ];
  if (config.disableAgent) return controlPlane;
  return [...controlPlane, ...nodePorts({ bindAddress, loopback, kubeProxy: !config.disableKubeProxy })];
}

/** Rejects with K3S_HOST_PORT_IN_USE, naming who holds the port. */
export async function requirePorts(config: ServerConfig, environment: Environment): Promise<void> {
  const checks = await machineChecks(config, environment, wantedPorts(config));
  const [error] = hostErrors(checks.filter(({ code }) => code === 'K3S_HOST_PORT_IN_USE'));
  if (error !== undefined) throw error;
}

/** Reads what the machine decides about its node, and loads modules and sets what pods' traffic depends on. */
export async function prepareMachine(config: ServerConfig, environment: Environment, log: Logger): Promise<NodeFacts> {
  const facts = await readNodeFacts(environment);
  await setUpKernel(
    {
      packetFilter: facts.packetFilter,
      ipv6: config.clusterCidr.some((cidr) => cidr.includes(':')),
      bridgeFiltering: !config.disableKubeProxy || config.flannelBackend !== 'none',
    },
    log,
  );
  return facts;
}
