import { canonicalHost } from '../core/ip-address.ts';
import type { KeyUsage, Subject } from './certificate.ts';
import type { LeafProfile } from './leaf.ts';

/** What certificates say about the node that they are for. */
export interface NodeIdentity {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly nodeExternalIps: readonly string[];
  /** For example `cluster.local`. */
  readonly clusterDomain: string;
  /** Every name and address that this server may be reached by. */
  readonly serverNames: readonly string[];
}

interface AuthorityLayout {
  /** Path below `server/tls`, without the ending. */
  readonly file: string;
  /** The common name is `<prefix>-ca@<creation time>`. */
  readonly prefix: string;
  /** Whether kube-controller-manager signs requests with it, for which it needs the signing certificate alone in a file. */
  readonly signsRequests?: true;
}

/** The certificate authorities of a cluster (k3s: pkg/daemons/control/deps). */
export const AUTHORITIES = {
  client: { file: 'client-ca', prefix: 'k3s-client', signsRequests: true },
  server: { file: 'server-ca', prefix: 'k3s-server', signsRequests: true },
  requestHeader: { file: 'request-header-ca', prefix: 'k3s-request-header' },
  etcdServer: { file: 'etcd/server-ca', prefix: 'etcd-server' },
  etcdPeer: { file: 'etcd/peer-ca', prefix: 'etcd-peer' },
} as const satisfies Readonly<Record<string, AuthorityLayout>>;

export type AuthorityName = keyof typeof AUTHORITIES;

export interface LeafLayout<A extends AuthorityName = AuthorityName> {
  /** Path below `server/tls` or `agent`, without the ending. */
  readonly file: string;
  readonly authority: A;
  readonly usages: readonly KeyUsage[];
  readonly subject: Subject | ((node: NodeIdentity) => Subject);
  readonly names?: (node: NodeIdentity) => readonly string[];
}

const MASTERS = ['system:masters'];
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

const apiServerNames = (node: NodeIdentity): string[] => [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  `kubernetes.default.svc.${node.clusterDomain}`,
  ...node.serverNames,
];
const etcdNames = (node: NodeIdentity): string[] => ['kine.sock', ...node.serverNames];

function client(file: string, commonName: string, organizations: readonly string[] = []): LeafLayout<'client'> {
  return { file, authority: 'client', usages: ['client'], subject: { commonName, organizations } };
}

function loopbackServer(component: string): LeafLayout<'server'> {
  return {
    file: `${component}/${component}`,
    authority: 'server',
    usages: ['server'],
    subject: { commonName: component },
    names: () => LOOPBACK,
  };
}

/** The certificates of a server, below `server/tls`, with the subjects, names and places that k3s gives them. */
export const SERVER_LEAVES = {
  admin: client('client-admin', 'system:admin', MASTERS),
  supervisor: client('client-supervisor', 'system:k3s-supervisor', MASTERS),
  controllerManager: client('client-controller', 'system:kube-controller-manager'),
  scheduler: client('client-scheduler', 'system:kube-scheduler'),
  apiServerClient: client('client-kube-apiserver', 'system:apiserver', MASTERS),
  cloudController: client('client-k3s-cloud-controller', 'k3s-cloud-controller-manager'),
  authProxy: { ...client('client-auth-proxy', 'system:auth-proxy'), authority: 'requestHeader' },
  apiServerServing: {
    file: 'serving-kube-apiserver',
    authority: 'server',
    usages: ['server'],
    subject: { commonName: 'kube-apiserver' },
    names: apiServerNames,
  },
  supervisorServing: {
    file: 'serving-supervisor',
    authority: 'server',
    usages: ['server'],
    subject: { commonName: 'k3s', organizations: ['k3s'] },
    names: apiServerNames,
  },
  schedulerServing: loopbackServer('kube-scheduler'),
  controllerManagerServing: loopbackServer('kube-controller-manager'),
  etcdClient: { ...client('etcd/client', 'etcd-client'), authority: 'etcdServer' },
  etcdServer: {
    file: 'etcd/server-client',
    authority: 'etcdServer',
    usages: ['server', 'client'],
    subject: { commonName: 'etcd-server' },
    names: etcdNames,
  },
  etcdPeer: {
    file: 'etcd/peer-server-client',
    authority: 'etcdPeer',
    usages: ['server', 'client'],
    subject: { commonName: 'etcd-peer' },
    names: etcdNames,
  },
} as const satisfies Readonly<Record<string, LeafLayout>>;

export type ServerLeafName = keyof typeof SERVER_LEAVES;

/** The certificates of a node, below `agent`. */
export const NODE_LEAVES = {
  kubeletServing: {
    file: 'serving-kubelet',
    authority: 'server',
    usages: ['server'],
    subject: (node) => ({ commonName: node.nodeName }),
    names: (node) => [node.nodeName, ...LOOPBACK, ...node.nodeIps, ...node.nodeExternalIps],
  },
  kubelet: {
    file: 'client-kubelet',
    authority: 'client',
    usages: ['client'],
    subject: (node) => ({ commonName: `system:node:${node.nodeName}`, organizations: ['system:nodes'] }),
  },
  kubeProxy: client('client-kube-proxy', 'system:kube-proxy'),
  nodeController: client('client-k3s-controller', 'system:k3s-controller'),
} as const satisfies Readonly<Record<string, LeafLayout<'client' | 'server'>>>;

export type NodeLeafName = keyof typeof NODE_LEAVES;

/** Which certificate a layout asks for on this node. */
export function profileOf(layout: LeafLayout, node: NodeIdentity): LeafProfile {
  return {
    subject: typeof layout.subject === 'function' ? layout.subject(node) : layout.subject,
    usages: layout.usages,
    names: [...new Set((layout.names?.(node) ?? []).map(canonicalHost))],
  };
}
