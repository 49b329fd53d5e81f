import { join } from 'node:path';

/** Where a server keeps things: the layout that k3s users know. */
export interface ServerPaths {
  readonly data: string;
  /** `<data-dir>/server`, mode 0700. */
  readonly server: string;
  readonly manifests: string;
  readonly credentials: string;
  readonly etc: string;
  readonly tls: string;
  /** The unix socket between kube-apiserver and the datastore. */
  readonly datastoreSocket: string;
  readonly helm: string;
  readonly serverLogs: string;
  /** `<data-dir>/agent`, mode 0700. */
  readonly agent: string;
  readonly agentEtc: string;
  readonly images: string;
  readonly staticPods: string;
  readonly agentLogs: string;
  readonly containerdRoot: string;
  readonly containerdState: string;
  /** Programs, as installed for the version that runs. */
  readonly programs: string;
  readonly cniPrograms: string;
}

export function serverPaths(data: string): ServerPaths {
  const server = join(data, 'server');
  const agent = join(data, 'agent');
  return {
    data,
    server,
    manifests: join(server, 'manifests'),
    credentials: join(server, 'cred'),
    etc: join(server, 'etc'),
    tls: join(server, 'tls'),
    datastoreSocket: join(server, 'kine.sock'),
    helm: join(server, 'helm'),
    serverLogs: join(server, 'logs'),
    agent,
    agentEtc: join(agent, 'etc'),
    images: join(agent, 'images'),
    staticPods: join(agent, 'pod-manifests'),
    agentLogs: join(agent, 'logs'),
    containerdRoot: join(agent, 'containerd'),
    containerdState: '/run/k3s/containerd',
    programs: join(data, 'data/current/bin'),
    cniPrograms: join(data, 'data/cni'),
  };
}
