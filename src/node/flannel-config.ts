import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { PacketFilter } from './kube-proxy-arguments.ts';

export type FlannelBackend = 'vxlan' | 'host-gw';

export interface FlannelOptions {
  kubeconfig: string;
  nodeName: string;
  /** File that holds `flannelNetworkConfig`. */
  networkConfig: string;
  /** `/run/flannel/subnet.env`. */
  subnetFile: string;
  /** Interface between nodes; absent: that of the node's address. */
  interface?: string;
  /** All addresses of the node. */
  nodeIPs: readonly string[];
  packetFilter: PacketFilter;
}

/** `net-conf.json`: the cluster's pod networks, at most one for each family, and how nodes reach each other. */
export function flannelNetworkConfig(
  podNetworks: readonly string[],
  backend: FlannelBackend,
  packetFilter: PacketFilter,
): string {
  const v4 = podNetworks.find((network) => !network.includes(':'));
  const v6 = podNetworks.find((network) => network.includes(':'));
  const config = {
    Network: v4 ?? '0.0.0.0/0',
    EnableIPv4: v4 !== undefined,
    EnableIPv6: v6 !== undefined,
    EnableNFTables: packetFilter === 'nftables',
    IPv6Network: v6 ?? '::/0',
    Backend: { Type: backend },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** `--name=value` flags of the engine's flannel. It masquerades for every backend, so the CNI plugin must not. */
export function flannelArguments(options: FlannelOptions): Record<string, string> {
  const v4 = options.nodeIPs.find((address) => !isIPv6(address));
  const v6 = options.nodeIPs.find(isIPv6);
  return {
    ...(options.interface === undefined ? {} : { iface: options.interface }),
    kubeconfig: options.kubeconfig,
    'net-conf': options.networkConfig,
    nftables: String(options.packetFilter === 'nftables'),
    'node-name': options.nodeName,
    ...(v4 === undefined ? {} : { 'public-ip': v4 }),
    ...(v6 === undefined ? {} : { 'public-ipv6': v6 }),
    'subnet-file': options.subnetFile,
  };
}

/** Bytes that VXLAN puts around a pod's packet, by the family of the nodes' addresses: outer IP, UDP, VXLAN and inner Ethernet. */
const VXLAN_OVERHEAD = { ipv4: 50, ipv6: 70 } as const;

/** The largest packet a pod may send, given that of the interface between nodes. */
export function podMTU(backend: FlannelBackend, interfaceMTU: number, nodeIPs: readonly string[]): number {
  if (backend === 'host-gw') return interfaceMTU;
  return interfaceMTU - (nodeIPs.some(isIPv6) ? VXLAN_OVERHEAD.ipv6 : VXLAN_OVERHEAD.ipv4);
}

/** Ethernet's, where an interface's own cannot be read. */
const DEFAULT_MTU = 1500;

/** MTU of the named interface, or of the one that has `address`. */
export async function interfaceMTU(which: { interface: string } | { address: string }): Promise<number> {
  const name = 'interface' in which ? which.interface : interfaceOf(which.address);
  if (name === undefined) return DEFAULT_MTU;
  const text = await readFile(`/sys/class/net/${name}/mtu`, 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || DEFAULT_MTU;
}

function interfaceOf(address: string): string | undefined {
  const found = Object.entries(networkInterfaces()).find(([, entries]) =>
    entries?.some((entry) => entry.address === address),
  );
  return found?.[0];
}
