/** What the kernel can tell about itself; each part is absent where the machine hides it, as containers do. */
export interface KernelFacts {
  release: string;
  /** Options of the kernel's build configuration that are on. */
  config?: ReadonlyMap<string, 'built-in' | 'module'>;
  /** Modules that are loaded now. Empty also for a kernel without modules. */
  loaded: ReadonlySet<string>;
  /** Modules that `modprobe` could load, and those that are built in, by /lib/modules. */
  installed?: ReadonlySet<string>;
  builtIn?: ReadonlySet<string>;
}

export interface KernelFeature {
  name: string;
  /** Option of the build configuration, without `CONFIG_`. */
  option: string;
  /** The module, where it can be one. */
  module?: string;
  /** What does not work without it. */
  purpose: string;
  /** Without a required one no pod runs. */
  required: boolean;
}

export type FeatureState = 'built-in' | 'loaded' | 'loadable' | 'missing' | 'unknown';

export interface FeatureNeeds {
  snapshotter: string;
  flannelBackend: string;
  packetFilter: 'nftables' | 'iptables';
}

/** What a node needs from the kernel, given how it is set up. */
export function neededFeatures(needs: FeatureNeeds): KernelFeature[] {
  const nftables = needs.packetFilter === 'nftables';
  const required = true;
  return [
    { name: 'network namespaces', option: 'NET_NS', purpose: 'networks of pods', required },
    { name: 'process namespaces', option: 'PID_NS', purpose: 'containers', required },
    { name: 'cgroups', option: 'CGROUPS', purpose: 'containers', required },
    {
      name: 'overlayfs',
      option: 'OVERLAY_FS',
      module: 'overlay',
      purpose: 'file systems of containers',
      required: needs.snapshotter === 'overlayfs',
    },
    { name: 'veth', option: 'VETH', module: 'veth', purpose: 'networks of pods', required },
    { name: 'bridge', option: 'BRIDGE', module: 'bridge', purpose: 'networks of pods', required },
    {
      name: 'br_netfilter',
      option: 'BRIDGE_NETFILTER',
      module: 'br_netfilter',
      purpose: 'services between pods of one node',
      required,
    },
    {
      name: 'vxlan',
      option: 'VXLAN',
      module: 'vxlan',
      purpose: 'traffic between nodes (--flannel-backend=vxlan)',
      required: needs.flannelBackend === 'vxlan',
    },
    { name: 'conntrack', option: 'NF_CONNTRACK', module: 'nf_conntrack', purpose: 'services', required },
    { name: 'nat', option: 'NF_NAT', module: 'nf_nat', purpose: 'services', required },
    {
      name: 'nftables',
      option: 'NF_TABLES',
      module: 'nf_tables',
      purpose: 'services and port mappings with nftables',
      required: nftables,
    },
    {
      name: 'nftables masquerading',
      option: 'NFT_MASQ',
      module: 'nft_masq',
      purpose: 'connections from pods to the outside',
      required: nftables,
    },
    {
      name: 'iptables',
      option: 'IP_NF_IPTABLES',
      module: 'ip_tables',
      purpose: 'services and port mappings with iptables',
      required: !nftables,
    },
    { name: 'seccomp filters', option: 'SECCOMP_FILTER', purpose: 'pods that ask for RuntimeDefault', required: false },
    { name: 'CPU limits', option: 'CFS_BANDWIDTH', purpose: 'CPU limits of containers', required: false },
    { name: 'traffic shaping', option: 'NET_SCH_TBF', module: 'sch_tbf', purpose: 'bandwidth limits', required: false },
  ];
}

/** What is known of a feature, the surest source first. */
export function featureState(feature: KernelFeature, kernel: KernelFacts): FeatureState {
  const { module } = feature;
  const configured = kernel.config?.get(feature.option);
  if (configured === 'built-in') return 'built-in';
  if (module !== undefined && kernel.loaded.has(module)) return 'loaded';
  if (module !== undefined && kernel.builtIn?.has(module) === true) return 'built-in';
  if (module !== undefined && kernel.installed?.has(module) === true) return 'loadable';
  if (configured === 'module') return kernel.installed === undefined ? 'unknown' : 'missing';
  return kernel.config === undefined ? 'unknown' : 'missing';
}

/** `CONFIG_X=y` and `CONFIG_X=m` lines, as in /proc/config.gz. */
export function parseKernelConfig(text: string): Map<string, 'built-in' | 'module'> {
  const lines = text.matchAll(/^CONFIG_(\w+)=([ym])$/gm);
  return new Map(
    [...lines].map(([, option = '', value]): [string, 'built-in' | 'module'] => [
      option,
      value === 'y' ? 'built-in' : 'module',
    ]),
  );
}

/** Names in modules.dep or modules.builtin: file names without folder and extension, `-` written as `_`. */
export function parseModuleList(text: string): Set<string> {
  const files = text.matchAll(/^([^:\n]*\/)?([^/:\n]+?)\.ko(\.\w+)?(:|$)/gm);
  return new Set([...files].map((match) => (match[2] ?? '').replaceAll('-', '_')));
}
