import type { V1Node } from '@kubernetes/client-node';
import type { Json } from '../cluster/object.ts';
import { defineResource } from '../cluster/resource.ts';

export type Node = Json<V1Node>;

export const Nodes = defineResource<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  scope: 'Cluster',
});
