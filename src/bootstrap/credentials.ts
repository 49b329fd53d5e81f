import { isIPv6 } from 'node:net';
import type { ServerConfig } from '../config/server-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { ensureClusterTokens, type ClusterTokens } from '../pki/cluster-tokens.ts';
import {
  API_SERVER_NAME,
  writeAdminKubeconfig,
  writeNodeKubeconfigs,
  writeServerKubeconfigs,
  type NodeKubeconfigs,
  type ServerKubeconfigs,
} from '../pki/kubeconfig-files.ts';
import type { NodeIdentity } from '../pki/layout.ts';
import type { Leaf } from '../pki/leaf.ts';
import { leafLifetime } from '../pki/leaf-lifetime.ts';
import { serverNames } from '../pki/server-names.ts';
import { ensureNodePki, ensureServerPki, type NodePki, type ServerPki } from '../pki/server-pki.ts';

/** Everything that proves an identity on this server. */
export interface Credentials {
  readonly server: ServerPki;
  readonly node: NodePki;
  readonly tokens: ClusterTokens;
  readonly kubeconfigs: ServerKubeconfigs & NodeKubeconfigs;
  /** Where the administrator's kubeconfig is. */
  readonly adminKubeconfig: string;
  /** Writes it again, with another certificate. */
  readonly writeAdminKubeconfig: (admin: Leaf) => Promise<string>;
  /** What certificates say about this machine. */
  readonly identity: NodeIdentity;
  /** Milliseconds from issuing a leaf certificate to its expiry. */
  readonly leafLifetime: number;
}

/** Creates what is missing of certificates, tokens and kubeconfigs, and takes the rest as it is on disk. */
export async function prepareCredentials(
  config: ServerConfig,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  log: Logger,
): Promise<Credentials> {
  const options = {
    leafLifetime: leafLifetime(environment),
    dataDir: config.dataDir,
    clock,
    log,
    node: {
      nodeName: config.nodeName,
      nodeIps: config.nodeIp,
      nodeExternalIps: config.nodeExternalIp,
      clusterDomain: config.clusterDomain,
      serverNames: serverNames({
        nodeName: config.nodeName,
        hostname: config.hostname,
        nodeIps: config.nodeIp,
        nodeExternalIps: config.nodeExternalIp,
        serviceIps: config.serviceIp,
        advertiseAddress: config.advertiseAddress,
        tlsSans: config.tlsSan,
      }),
    },
  };
  const server = await ensureServerPki(options);
  const node = await ensureNodePki(server.authorities, options);
  const tokens = await ensureClusterTokens({
    dataDir: config.dataDir,
    serverAuthority: server.authorities.server.bundle,
    token: config.token,
    agentToken: config.agentToken,
  });
  const local = { server: apiServerUrl(config) };
  const kubeconfigs = {
    ...(await writeServerKubeconfigs(server, config.dataDir, local)),
    ...(await writeNodeKubeconfigs(node, local)),
  };
  const writeAdmin = (admin: Leaf): Promise<string> =>
    writeAdminKubeconfig(
      { authorities: server.authorities, leaves: { admin } },
      {
        server: `https://${urlHost(publicAddress(config))}:${config.httpsListenPort}`,
        tlsServerName: API_SERVER_NAME,
        path: config.writeKubeconfig,
        mode: config.writeKubeconfigMode,
      },
    );
  return {
    server,
    node,
    tokens,
    kubeconfigs,
    adminKubeconfig: await writeAdmin(server.leaves.admin),
    writeAdminKubeconfig: writeAdmin,
    identity: options.node,
    leafLifetime: options.leafLifetime,
  };
}

/** kube-apiserver's own listener, for the components of this machine. */
export function apiServerUrl(config: Pick<ServerConfig, 'loopback' | 'apiServerPort'>): string {
  return `https://${urlHost(config.loopback)}:${config.apiServerPort}`;
}

/** Where port 6443 is reached from this machine. */
function publicAddress(config: ServerConfig): string {
  const everywhere = config.bindAddress === '0.0.0.0' || config.bindAddress === '::';
  return everywhere ? config.loopback : config.bindAddress;
}

function urlHost(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
