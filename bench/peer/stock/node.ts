import { join } from 'node:path';
import { cniConflist } from '../../../src/node/cni-config.ts';
import { flannelNetworkConfig } from '../../../src/node/flannel-config.ts';
import { renderToml } from '../../../src/node/toml.ts';
import type { StockCredentials } from './credentials.ts';
import type { StockLayout } from './layout.ts';
import { DNS_SERVICE, DOMAIN, POD_NETWORK } from './network.ts';

type Flags = Readonly<Record<string, string>>;

/** kubeadm's KubeletConfiguration, and what a machine with cgroups of version 1 needs besides. */
export function kubeletConfiguration({ node }: StockCredentials, { containerdSocket }: StockLayout): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: node.clientAuthorityFile },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    clusterDNS: [DNS_SERVICE],
    clusterDomain: DOMAIN,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    failCgroupV1: false,
    failSwapOn: false,
    resolvConf: '/etc/resolv.conf',
    tlsCertFile: node.leaves.kubeletServing.certificateFile,
    tlsPrivateKeyFile: node.leaves.kubeletServing.keyFile,
  });
}

export function kubeletFlags(
  { kubeconfigs }: StockCredentials,
  { files }: StockLayout,
  nodeName: string,
  address: string,
): Flags {
  return {
    config: join(files, 'kubelet.json'),
    'hostname-override': nodeName,
    kubeconfig: kubeconfigs.kubelet,
    'node-ip': address,
  };
}

/** kube-proxy's defaults: iptables. The limits of connection tracking are not a network namespace's to set. */
export function kubeProxyFlags({ kubeconfigs }: StockCredentials, nodeName: string): Flags {
  return {
    'cluster-cidr': POD_NETWORK,
    'conntrack-max-per-core': '0',
    'hostname-override': nodeName,
    kubeconfig: kubeconfigs.kubeProxy,
  };
}

export function flannelFlags({ kubeconfigs }: StockCredentials, { files }: StockLayout, nodeName: string): Flags {
  return { kubeconfig: kubeconfigs.nodeController, 'net-conf': join(files, 'net-conf.json'), 'node-name': nodeName };
}

export const FLANNEL_NETWORK = flannelNetworkConfig([POD_NETWORK], 'vxlan', 'iptables');

/** What flannel's installation puts into /etc/cni/net.d; the range is that of the first node. */
export const CNI_CONFIGURATION = cniConflist({ podCIDRs: ['10.244.0.0/24'], mtu: 1450, packetFilter: 'iptables' });

/** containerd's defaults, but for the places of its files and the image of pauses. */
export function containerdConfiguration(
  { components, containerdRoot, containerdSocket }: StockLayout,
  pauseImage: string,
  restrictOomScore: boolean,
): string {
  return renderToml({
    version: 3,
    root: containerdRoot,
    grpc: { address: containerdSocket },
    plugins: {
      'io.containerd.cri.v1.images': { pinned_images: { sandbox: pauseImage } },
      'io.containerd.cri.v1.runtime': {
        restrict_oom_score_adj: restrictOomScore,
        cni: { bin_dirs: [join(components, 'cni')] },
      },
    },
  });
}
