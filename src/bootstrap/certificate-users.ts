import type { HttpClient } from '../cluster/http-client.ts';
import type { Authority } from '../pki/authority.ts';
import type { LeafName } from '../pki/certificate-places.ts';
import type { Leaf } from '../pki/leaf.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { Credentials } from './credentials.ts';

interface Users {
  readonly credentials: Credentials;
  readonly supervisor: Pick<Supervisor, 'setServingCertificates' | 'setFrontProxy'>;
  readonly client: Pick<HttpClient, 'setClientCertificate'>;
}

/**
 * Hands a certificate that was issued anew to those in this process that show it; does nothing with one that they have. All
 * others read their files again by themselves, Kubernetes v1.36.3 as it is: kube-apiserver, kube-controller-manager, kube-scheduler and
 * kubelet what they serve with, kube-apiserver its front-proxy certificate (dynamiccertificates, by inotify and every minute), and
 * every user of a kubeconfig, as well as kube-apiserver to kubelet, its client certificate (client-go's transport, at each new
 * connection and in an interval, see `writeEnginePlan`).
 */
export function certificateUsers({
  credentials: { server, node, writeAdminKubeconfig },
  supervisor,
  client,
}: Users): (name: LeafName, leaf: Leaf, authority: Authority) => Promise<void> {
  const shown = new Map(
    Object.entries({ ...server.leaves, ...node.leaves }).map(([name, leaf]) => [name, leaf.certificatePem]),
  );
  let serving = {
    cert: server.leaves.supervisorServing.certificatePem,
    key: server.leaves.supervisorServing.keyPem,
    clientCa: server.authorities.client.bundle,
  };
  const hand = async (name: LeafName, leaf: Leaf, authority: Authority): Promise<void> => {
    const { certificatePem: cert, keyPem: key } = leaf;
    if (name === 'supervisorServing') supervisor.setServingCertificates((serving = { ...serving, cert, key }));
    if (name === 'authProxy') supervisor.setFrontProxy({ cert, key });
    if (name === 'supervisor') client.setClientCertificate({ cert, key });
    if (name !== 'admin') return;
    await writeAdminKubeconfig(leaf);
    // Whoever signs the administrator's certificate signs those of all other clients.
    if (serving.clientCa !== authority.bundle) {
      supervisor.setServingCertificates((serving = { ...serving, clientCa: authority.bundle }));
    }
  };
  return async (name, leaf, authority) => {
    if (shown.get(name) === leaf.certificatePem) return;
    await hand(name, leaf, authority);
    shown.set(name, leaf.certificatePem);
  };
}
