import { join } from 'node:path';
import { PRIVATE_FILE, writeFileAtomic, writeFileIfChanged, writeSymlink } from './files.ts';
import { renderKubeconfig, type ApiEndpoint, type KubeconfigNames } from './kubeconfig.ts';
import type { Leaf } from './leaf.ts';
import type { NodePki, ServerPki } from './server-pki.ts';

const COMPONENT_NAMES: KubeconfigNames = { cluster: 'local', user: 'user', context: 'Default' };
const ADMIN_NAMES: KubeconfigNames = { cluster: 'default', user: 'default', context: 'default' };

/** The name that the front on 6443 passes straight through to kube-apiserver (its certificate has it). */
export const API_SERVER_NAME = 'kubernetes';

/** Where the administrator's kubeconfig is unless the user says otherwise; kubectl looks here. */
export const ADMIN_KUBECONFIG = '/etc/rancher/k3s/k3s.yaml';

/** The files below `server/cred`, by the certificate that each one uses. */
const SERVER_KUBECONFIGS = {
  admin: 'admin',
  supervisor: 'supervisor',
  controllerManager: 'controller',
  scheduler: 'scheduler',
  apiServerClient: 'api-server',
  cloudController: 'cloud-controller',
} as const;

/** The files below `agent`, by the certificate that each one uses. */
const NODE_KUBECONFIGS = {
  kubelet: 'kubelet',
  kubeProxy: 'kubeproxy',
  nodeController: 'k3scontroller',
} as const;

export type ServerKubeconfigs = Readonly<Record<keyof typeof SERVER_KUBECONFIGS, string>>;
export type NodeKubeconfigs = Readonly<Record<keyof typeof NODE_KUBECONFIGS, string>>;

/** Writes the kubeconfigs of a server's components below `<dataDir>/server/cred`; returns their paths. */
export async function writeServerKubeconfigs(
  pki: ServerPki,
  dataDir: string,
  endpoint: ApiEndpoint,
): Promise<ServerKubeconfigs> {
  const directory = join(dataDir, 'server/cred');
  return writeAll(SERVER_KUBECONFIGS, directory, pki.authorities.server.certificateFile, pki.leaves, endpoint);
}

/** Writes the kubeconfigs of a node's components below `<dataDir>/agent`; returns their paths. */
export async function writeNodeKubeconfigs(pki: NodePki, endpoint: ApiEndpoint): Promise<NodeKubeconfigs> {
  return writeAll(NODE_KUBECONFIGS, pki.directory, pki.serverAuthorityFile, pki.leaves, endpoint);
}

export interface AdminKubeconfigOptions extends ApiEndpoint {
  /** `--write-kubeconfig`; undefined for the usual place. */
  readonly path: string | undefined;
  /** Permission bits. */
  readonly mode: number;
  /** The usual place, which becomes a link when `path` is another. */
  readonly usualPath?: string;
}

/** Writes the administrator's kubeconfig, complete in itself so that it can be copied to another machine; returns its path. */
export async function writeAdminKubeconfig(
  pki: {
    readonly authorities: Pick<ServerPki['authorities'], 'server'>;
    readonly leaves: Readonly<Record<'admin', Leaf>>;
  },
  options: AdminKubeconfigOptions,
): Promise<string> {
  const usual = options.usualPath ?? ADMIN_KUBECONFIG;
  const path = options.path ?? usual;
  const { certificatePem: certificate, keyPem: key } = pki.leaves.admin;
  const text = renderKubeconfig({
    ...options,
    credentials: { kind: 'inline', authority: pki.authorities.server.bundle, certificate, key },
    names: ADMIN_NAMES,
  });
  await writeFileAtomic(path, text, options.mode, 0o755);
  if (path !== usual) await writeSymlink(path, usual);
  return path;
}

async function writeAll<K extends string>(
  files: Readonly<Record<K, string>>,
  directory: string,
  authority: string,
  leaves: Readonly<Record<NoInfer<K>, Leaf>>,
  endpoint: ApiEndpoint,
): Promise<Readonly<Record<K, string>>> {
  const paths = {} as Record<K, string>;
  for (const name of Object.keys(files) as K[]) {
    const path = join(directory, `${files[name]}.kubeconfig`);
    const text = renderKubeconfig({
      ...endpoint,
      credentials: {
        kind: 'files',
        authority,
        certificate: leaves[name].certificateFile,
        key: leaves[name].keyFile,
      },
      names: COMPONENT_NAMES,
    });
    await writeFileIfChanged(path, text, PRIVATE_FILE);
    paths[name] = path;
  }
  return paths;
}
