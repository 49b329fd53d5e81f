import { join } from 'node:path';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/log.ts';
import {
  writeAdminKubeconfig,
  writeNodeKubeconfigs,
  writeServerKubeconfigs,
  type NodeKubeconfigs,
  type ServerKubeconfigs,
} from '../../../src/pki/kubeconfig-files.ts';
import { leafLifetime } from '../../../src/pki/leaf-lifetime.ts';
import { ensureNodePki, ensureServerPki, type NodePki, type ServerPki } from '../../../src/pki/server-pki.ts';
import { API_SERVICE, DOMAIN, PORT } from './network.ts';

export interface StockCredentials {
  readonly server: ServerPki;
  readonly node: NodePki;
  readonly kubeconfigs: ServerKubeconfigs & NodeKubeconfigs;
  readonly adminKubeconfig: string;
}

/** Makes certificates and kubeconfigs below `directory`; every component talks to the API server on the node's address. */
export async function stockCredentials(
  directory: string,
  nodeName: string,
  address: string,
): Promise<StockCredentials> {
  const options = {
    dataDir: directory,
    clock: systemClock,
    log: silentLogger,
    leafLifetime: leafLifetime({}),
    node: {
      nodeName,
      nodeIps: [address],
      nodeExternalIps: [],
      clusterDomain: DOMAIN,
      serverNames: [nodeName, address, API_SERVICE, 'localhost', '127.0.0.1'],
    },
  };
  const server = await ensureServerPki(options);
  const node = await ensureNodePki(server.authorities, options);
  const endpoint = { server: `https://${address}:${PORT}` };
  const adminKubeconfig = join(directory, 'admin.conf');
  return {
    server,
    node,
    kubeconfigs: {
      ...(await writeServerKubeconfigs(server, directory, endpoint)),
      ...(await writeNodeKubeconfigs(node, endpoint)),
    },
    adminKubeconfig: await writeAdminKubeconfig(server, {
      ...endpoint,
      path: adminKubeconfig,
      usualPath: adminKubeconfig,
      mode: 0o600,
    }),
  };
}
