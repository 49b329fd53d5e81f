import { isIPv6 } from 'node:net';
import {
  type Endpoints,
  EndpointsList,
  type EndpointSlice,
  EndpointSlices,
  type Service,
  Services,
} from '../../cluster/kinds.ts';
import { defineController } from '../../framework/controller.ts';
import { done } from '../../framework/outcome.ts';

export interface ApiEndpointDeps {
  /** Where pods of any node reach the API server. */
  readonly address: string;
  readonly port: number;
}

const SERVICE = { namespace: 'default', name: 'kubernetes' };
const CONTROLLER = 'api-endpoint';

/**
 * Says where the service `kubernetes` leads: to the server's one port, and not to kube-apiserver's own listener, which is on
 * loopback. kube-apiserver would write its own port, which is why it runs with `--endpoint-reconciler-type=none`.
 */
export const apiEndpoint = defineController<Service, ApiEndpointDeps>({
  name: CONTROLLER,
  for: Services,
  namespace: SERVICE.namespace,
  predicate: ({ object }) => object.metadata.name === SERVICE.name,
  async reconcile(ctx, { metadata }) {
    if (metadata.name !== SERVICE.name) return done();
    // Reading makes this key run again when somebody changes or deletes them.
    await ctx.read(EndpointSlices, SERVICE);
    await ctx.read(EndpointsList, SERVICE);
    const options = { fieldManager: CONTROLLER, force: true, signal: ctx.signal };
    await ctx.client.apply(EndpointSlices, endpointSlice(ctx.deps), options);
    await ctx.client.apply(EndpointsList, endpoints(ctx.deps), options);
    return done();
  },
});

function endpointSlice({ address, port }: ApiEndpointDeps): EndpointSlice & { metadata: { name: string } } {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...SERVICE, labels: { 'kubernetes.io/service-name': SERVICE.name } },
    addressType: isIPv6(address) ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}

/** For those who still read the older kind; the label keeps it from being mirrored into a second slice. */
function endpoints({ address, port }: ApiEndpointDeps): Endpoints & { metadata: { name: string } } {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...SERVICE, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
}
