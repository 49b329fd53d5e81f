import { isDeepStrictEqual } from 'node:util';
import { ConfigMaps, Nodes, type ConfigMap } from '../../cluster/kinds.ts';
import { defineController, watches } from '../../framework/controller.ts';
import { done } from '../../framework/outcome.ts';
import { everyKey } from '../../framework/source.ts';
import { addressesOf, nodeHosts } from './node-hosts.ts';

/** The packaged manifest marks CoreDNS' ConfigMap so; it is the only one that is watched. */
const MARK = 'k3s.cattle.io/node-hosts';

/** The nodes whose lines the hosts file has, so that those of a node that is gone can be told from what others wrote. */
const WRITTEN = 'k3s.cattle.io/node-hosts-of';

const KEY = 'NodeHosts';
const NAME = 'coredns-hosts';

/** Lets every node's name be resolved: keeps the nodes' addresses in the hosts file that CoreDNS reads. */
export const coreDnsHosts = defineController<ConfigMap>({
  name: NAME,
  for: ConfigMaps,
  namespace: 'kube-system',
  selector: `${MARK}=true`,
  watches: [
    watches(Nodes, () => [everyKey], {
      // A node reports every few seconds that it is alive.
      predicate: ({ type, object, previous }) =>
        type !== 'updated' || previous === undefined || !isDeepStrictEqual(addressesOf(previous), addressesOf(object)),
    }),
  ],

  async reconcile(ctx, configMap) {
    const { items: nodes } = await ctx.client.list(Nodes);
    const text = configMap.data?.[KEY] ?? '';
    const written = configMap.metadata.annotations?.[WRITTEN] ?? '';
    const hosts = nodeHosts(text, written === '' ? [] : written.split(','), nodes);
    const names = nodes
      .map(({ metadata }) => metadata.name ?? '')
      .sort()
      .join(',');
    if (hosts === text && names === written) return done();
    const { namespace, name = '' } = configMap.metadata;
    await ctx.client.apply(
      ConfigMaps,
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, ...(namespace === undefined ? {} : { namespace }), annotations: { [WRITTEN]: names } },
        data: { [KEY]: hosts },
      },
      { fieldManager: NAME, force: true },
    );
    return done();
  },
});
