import { Nodes, type Node } from '../cluster/kinds.ts';
import { defineController, type Controller } from '../framework/controller.ts';
import { done } from '../framework/outcome.ts';

export interface PodNetworkDeps {
  nodeName: string;
  /** Writes the CNI configuration for these ranges; says whether that changed anything. */
  configure(podCIDRs: readonly string[]): Promise<boolean>;
}

/** Configures the pods' network of this machine as soon as its Node has been given ranges of addresses. */
export const podNetworkController: Controller<PodNetworkDeps> = defineController<Node, PodNetworkDeps>({
  name: 'pod-network',
  for: Nodes,
  predicate: ({ object, previous }) => podCIDRsOf(object).join() !== podCIDRsOf(previous).join(),
  async reconcile(ctx, node) {
    const podCIDRs = podCIDRsOf(node);
    if (node.metadata.name !== ctx.deps.nodeName || podCIDRs.length === 0) return done();
    if (await ctx.deps.configure(podCIDRs)) ctx.log.info('pod network configured', { podCIDRs });
    return done();
  },
});

function podCIDRsOf(node: Node | undefined): readonly string[] {
  const spec = node?.spec;
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}
