export interface KubeProxyOptions {
  kubeconfig: string;
  nodeName: string;
  clusterCIDRs: readonly string[];
  /** The service network's first family decides which loopback address the health check listens on. */
  healthAddress: '127.0.0.1' | '::1';
  mode: PacketFilter;
}

/** Who filters and rewrites packets for services, port mappings and masquerading. */
export type PacketFilter = 'nftables' | 'iptables';

/** Oldest versions that kube-proxy's nftables mode is supported on (kube-proxy's own pre-flight check). */
const NFTABLES_KERNEL: Version = [5, 13, 0];
const NFT_TOOL: Version = [1, 0, 1];

type Version = readonly [number, number, number];

/**
 * nftables wherever kube-proxy supports it, else iptables.
 * `kernelRelease` as `uname -r` prints it; `nftVersion` as `nft --version` prints it, undefined where there is no `nft`.
 */
export function choosePacketFilter(kernelRelease: string, nftVersion: string | undefined): PacketFilter {
  if (nftVersion === undefined) return 'iptables';
  const modern = atLeast(versionIn(kernelRelease), NFTABLES_KERNEL) && atLeast(versionIn(nftVersion), NFT_TOOL);
  return modern ? 'nftables' : 'iptables';
}

function versionIn(text: string): Version {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0), Number(match?.[3] ?? 0)];
}

function atLeast(version: Version, least: Version): boolean {
  const differing = version.findIndex((part, index) => part !== least[index]);
  return differing < 0 || (version[differing] ?? 0) > (least[differing] ?? 0);
}

/** `--name=value` flags of kube-proxy. The user's `--kube-proxy-arg` is merged over them. */
export function kubeProxyArguments(options: KubeProxyOptions): Record<string, string> {
  return {
    'cluster-cidr': options.clusterCIDRs.join(','),
    // Zero leaves the kernel's connection tracking limits alone: the host's own settings are kept, and kube-proxy does not
    // exit where it may not change them.
    'conntrack-max-per-core': '0',
    'conntrack-tcp-timeout-close-wait': '0s',
    'conntrack-tcp-timeout-established': '0s',
    'healthz-bind-address': options.healthAddress,
    'hostname-override': options.nodeName,
    kubeconfig: options.kubeconfig,
    'proxy-mode': options.mode,
  };
}
