import { join } from 'node:path';
import type { StockCredentials } from './credentials.ts';
import type { StockLayout } from './layout.ts';
import { POD_NETWORK, PORT, SERVICE_NETWORK } from './network.ts';

type Flags = Readonly<Record<string, string>>;

/** etcd as kubeadm starts it, but without TLS between it and the API server, which is to its advantage. */
export function etcdFlags({ etcdData }: StockLayout, nodeName: string): Flags {
  const clients = 'http://127.0.0.1:2379';
  const peers = 'http://127.0.0.1:2380';
  return {
    'advertise-client-urls': clients,
    'data-dir': etcdData,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': `${nodeName}=${peers}`,
    'listen-client-urls': clients,
    'listen-peer-urls': peers,
    name: nodeName,
    'snapshot-count': '10000',
  };
}

/** kubeadm's flags. */
export function apiServerFlags({ server }: StockCredentials, address: string): Flags {
  const { authorities, leaves, serviceAccountKeys } = server;
  return {
    'advertise-address': address,
    'allow-privileged': 'true',
    'authorization-mode': 'Node,RBAC',
    'client-ca-file': authorities.client.certificateFile,
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    'etcd-servers': 'http://127.0.0.1:2379',
    'kubelet-client-certificate': leaves.apiServerClient.certificateFile,
    'kubelet-client-key': leaves.apiServerClient.keyFile,
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    'proxy-client-cert-file': leaves.authProxy.certificateFile,
    'proxy-client-key-file': leaves.authProxy.keyFile,
    'requestheader-allowed-names': 'system:auth-proxy',
    'requestheader-client-ca-file': authorities.requestHeader.certificateFile,
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': String(PORT),
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-key-file': serviceAccountKeys.keyFile,
    'service-account-signing-key-file': serviceAccountKeys.signingKeyFile,
    'service-cluster-ip-range': SERVICE_NETWORK,
    'tls-cert-file': leaves.apiServerServing.certificateFile,
    'tls-private-key-file': leaves.apiServerServing.keyFile,
  };
}

/** kubeadm's flags. */
export function controllerManagerFlags({ server, kubeconfigs }: StockCredentials, { files }: StockLayout): Flags {
  const { authorities, serviceAccountKeys, signingCertificateFiles } = server;
  return {
    'allocate-node-cidrs': 'true',
    'authentication-kubeconfig': kubeconfigs.controllerManager,
    'authorization-kubeconfig': kubeconfigs.controllerManager,
    'bind-address': '127.0.0.1',
    'cert-dir': join(files, 'controller-manager'),
    'client-ca-file': authorities.client.certificateFile,
    'cluster-cidr': POD_NETWORK,
    'cluster-name': 'kubernetes',
    'cluster-signing-cert-file': signingCertificateFiles.client,
    'cluster-signing-key-file': authorities.client.keyFile,
    controllers: '*,bootstrapsigner,tokencleaner',
    kubeconfig: kubeconfigs.controllerManager,
    'leader-elect': 'true',
    'requestheader-client-ca-file': authorities.requestHeader.certificateFile,
    'root-ca-file': authorities.server.certificateFile,
    'service-account-private-key-file': serviceAccountKeys.signingKeyFile,
    'service-cluster-ip-range': SERVICE_NETWORK,
    'use-service-account-credentials': 'true',
  };
}

/** kubeadm's flags. */
export function schedulerFlags({ kubeconfigs }: StockCredentials, { files }: StockLayout): Flags {
  return {
    'authentication-kubeconfig': kubeconfigs.scheduler,
    'authorization-kubeconfig': kubeconfigs.scheduler,
    'bind-address': '127.0.0.1',
    'cert-dir': join(files, 'scheduler'),
    kubeconfig: kubeconfigs.scheduler,
    'leader-elect': 'true',
  };
}
