import { NEVER } from 'rxjs';
import { isAlreadyExists } from '../../cluster/api-error.ts';
import { ConfigMaps } from '../../cluster/kinds.ts';
import { keyOf } from '../../cluster/object.ts';
import { defineSourceController } from '../../framework/controller.ts';
import { done } from '../../framework/outcome.ts';

export interface ClusterDnsDeps {
  /** Addresses of the cluster's DNS service. */
  clusterDns: readonly string[];
  clusterDomain: string;
}

const REF = { namespace: 'kube-system', name: 'cluster-dns' };

/** Tells the cluster where its DNS is: ConfigMap kube-system/cluster-dns, made once if it is missing and never changed. */
export const clusterDns = defineSourceController<ClusterDnsDeps, ClusterDnsDeps>({
  name: 'cluster-dns',
  source: (deps) => ({
    name: 'settings',
    list: async () => [keyOf(REF)],
    changes$: NEVER,
    read: async () => deps,
  }),

  async reconcile(ctx, { clusterDns: addresses, clusterDomain }) {
    if ((await ctx.readLive(ConfigMaps, REF)) !== undefined) return done();
    const configMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: REF,
      data: { clusterDNS: addresses.join(','), clusterDomain },
    };
    try {
      await ctx.client.create(ConfigMaps, configMap);
    } catch (error) {
      // Another server was faster.
      if (!isAlreadyExists(error)) throw error;
    }
    return done();
  },
});
