import { join } from 'node:path';
import { writeFileAtomically } from './atomic-file.ts';
import type { PacketFilter } from './kube-proxy-arguments.ts';

/** Names the address pool under /var/lib/cni/networks and the results under /var/lib/cni/results, as flannel's own plugin does. */
export const CNI_NETWORK_NAME = 'cbr0';

/** The bridge that pods of this node are on. */
export const CNI_BRIDGE = 'cni0';

/** The file name sorts before those that other network add-ons use. */
const CONFLIST_NAME = '10-flannel.conflist';

export interface PodNetwork {
  /** The node's own ranges, `spec.podCIDRs`: one for each family. */
  podCIDRs: readonly string[];
  mtu: number;
  packetFilter: PacketFilter;
}

/**
 * CNI configuration (specification 1.0.0) of a bridge with addresses from the node's own ranges. It takes the place of
 * flannel's delegating plugin: the range comes from the Node instead of /run/flannel/subnet.env. Masquerading is flannel's
 * work. A pod may reach itself through a service (hairpin), and the bridge takes over its address when the range changes.
 */
export function cniConflist(network: PodNetwork): string {
  const config = {
    cniVersion: '1.0.0',
    name: CNI_NETWORK_NAME,
    plugins: [
      {
        type: 'bridge',
        bridge: CNI_BRIDGE,
        isGateway: true,
        isDefaultGateway: true,
        forceAddress: true,
        hairpinMode: true,
        ipMasq: false,
        mtu: network.mtu,
        ipam: { type: 'host-local', ranges: network.podCIDRs.map((subnet) => [{ subnet }]) },
      },
      { type: 'portmap', backend: network.packetFilter, capabilities: { portMappings: true } },
      { type: 'bandwidth', capabilities: { bandwidth: true } },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Puts the conflist where containerd looks, whole or not at all: kubelet reports the network ready as soon as it is there. */
export function writeCniConflist(directory: string, network: PodNetwork): Promise<boolean> {
  return writeFileAtomically(join(directory, CONFLIST_NAME), cniConflist(network), 0o600);
}
