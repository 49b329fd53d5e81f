import type { LeafName } from './certificate-places.ts';

/** Whose certificates `k3s certificate --service` means, by the names that k3s has for them. */
export const CERTIFICATE_SERVICES = {
  admin: ['admin'],
  'api-server': ['apiServerClient', 'apiServerServing'],
  'auth-proxy': ['authProxy'],
  'cloud-controller': ['cloudController'],
  'controller-manager': ['controllerManager', 'controllerManagerServing'],
  etcd: ['etcdClient', 'etcdServer', 'etcdPeer'],
  'k3s-controller': ['nodeController'],
  'k3s-server': ['supervisorServing'],
  'kube-proxy': ['kubeProxy'],
  kubelet: ['kubelet', 'kubeletServing'],
  scheduler: ['scheduler', 'schedulerServing'],
  supervisor: ['supervisor'],
} as const satisfies Readonly<Record<string, readonly LeafName[]>>;

export type CertificateService = keyof typeof CERTIFICATE_SERVICES;

/** The service whose certificates are the authorities; they can be looked at, not rotated. */
export const AUTHORITY_SERVICE = 'certificate-authority';

/** The leaves of these services; of all of them when there are none. Undefined stands for a name that is no service. */
export function leavesOfServices(services: readonly string[]): ReadonlySet<LeafName> | undefined {
  const all = CERTIFICATE_SERVICES as Readonly<Record<string, readonly LeafName[]>>;
  const names = services.length === 0 ? Object.keys(all) : services;
  const leaves = names.map((name) => (Object.hasOwn(all, name) ? all[name] : undefined));
  return leaves.includes(undefined) ? undefined : new Set(leaves.flatMap((of) => of ?? []));
}
