import { isDeepStrictEqual } from 'node:util';
import { Nodes, type Node } from '../cluster/kinds.ts';
import { defineController, type Controller } from '../framework/controller.ts';
import { done } from '../framework/outcome.ts';
import type { NodeMetadata } from './node-metadata.ts';

export interface NodeMetadataDeps {
  nodeName: string;
  metadata: NodeMetadata;
}

const NAME = 'node-metadata';

/**
 * Keeps this node's labels and annotations on its Node object, with rights that kubelet does not have: it may not give itself
 * a role. Server-side apply makes labels of an earlier start go away when the user has dropped them, and leaves those of others.
 */
export const nodeMetadataController: Controller<NodeMetadataDeps> = defineController<Node, NodeMetadataDeps>({
  name: NAME,
  for: Nodes,
  // Heartbeats change the status every few seconds.
  predicate: ({ object, previous }) =>
    !isDeepStrictEqual(
      [object.metadata.labels, object.metadata.annotations],
      [previous?.metadata.labels, previous?.metadata.annotations],
    ),
  async reconcile(ctx, { apiVersion, kind, metadata }) {
    const { nodeName, metadata: wanted } = ctx.deps;
    if (metadata.name !== nodeName) return done();
    // The uid keeps a Node that is being deleted from being created anew by this request.
    const uid = metadata.uid === undefined ? {} : { uid: metadata.uid };
    const applied = { apiVersion, kind, metadata: { name: nodeName, ...uid, ...wanted } };
    await ctx.client.apply(Nodes, applied, { fieldManager: NAME, force: true, signal: ctx.signal });
    return done();
  },
});
