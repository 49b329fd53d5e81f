import type {
  EventsV1Event,
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1CustomResourceDefinition,
  V1DaemonSet,
  V1Deployment,
  V1EndpointSlice,
  V1Endpoints,
  V1Job,
  V1Lease,
  V1Namespace,
  V1Node,
  V1Pod,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
} from '@kubernetes/client-node';
import type { Json, KubernetesObject } from './object.ts';
import type { OpenApiSchema } from './open-api-schema.ts';
import { defineResource } from './resource.ts';

// The built-in kinds that we read or write. Types only come from the client library: importing its code costs 85 MB.

export type Pod = Json<V1Pod>;
export const Pods = defineResource<Pod>({ group: '', version: 'v1', kind: 'Pod', plural: 'pods', scope: 'Namespaced' });

export type Node = Json<V1Node>;
export const Nodes = defineResource<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  scope: 'Cluster',
});

export type Service = Json<V1Service>;
export const Services = defineResource<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  scope: 'Namespaced',
});

export type ConfigMap = Json<V1ConfigMap>;
export const ConfigMaps = defineResource<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  scope: 'Namespaced',
});

export type Secret = Json<V1Secret>;
export const Secrets = defineResource<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  scope: 'Namespaced',
});

export type Namespace = Json<V1Namespace>;
export const Namespaces = defineResource<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  scope: 'Cluster',
});

export type ServiceAccount = Json<V1ServiceAccount>;
export const ServiceAccounts = defineResource<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  scope: 'Namespaced',
});

export type Endpoints = Json<V1Endpoints>;
export const EndpointsList = defineResource<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  scope: 'Namespaced',
});

export type Deployment = Json<V1Deployment>;
export const Deployments = defineResource<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  scope: 'Namespaced',
});

export type DaemonSet = Json<V1DaemonSet>;
export const DaemonSets = defineResource<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  scope: 'Namespaced',
});

export type Job = Json<V1Job>;
export const Jobs = defineResource<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  scope: 'Namespaced',
});

export type Role = Json<V1Role>;
export const Roles = defineResource<Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  scope: 'Namespaced',
});

export type RoleBinding = Json<V1RoleBinding>;
export const RoleBindings = defineResource<RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  scope: 'Namespaced',
});

export type ClusterRole = Json<V1ClusterRole>;
export const ClusterRoles = defineResource<ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  scope: 'Cluster',
});

export type ClusterRoleBinding = Json<V1ClusterRoleBinding>;
export const ClusterRoleBindings = defineResource<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  scope: 'Cluster',
});

export type EndpointSlice = Json<V1EndpointSlice>;
export const EndpointSlices = defineResource<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  scope: 'Namespaced',
});

export type Lease = Json<V1Lease>;
export const Leases = defineResource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  scope: 'Namespaced',
});

export type Event = Json<EventsV1Event>;
export const Events = defineResource<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  scope: 'Namespaced',
});

type GeneratedDefinition = Json<V1CustomResourceDefinition>;
type GeneratedVersion = GeneratedDefinition['spec']['versions'][number];

/** The generated type spells the schema's keywords differently from the wire (`_default`, `x_kubernetes_…`), so it is replaced. */
export interface CustomResourceDefinition extends KubernetesObject {
  spec: Omit<GeneratedDefinition['spec'], 'versions'> & { versions: CustomResourceVersion[] };
  status?: NonNullable<GeneratedDefinition['status']>;
}

export type CustomResourceVersion = Omit<GeneratedVersion, 'schema'> & { schema?: { openAPIV3Schema?: OpenApiSchema } };
export const CustomResourceDefinitions = defineResource<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  scope: 'Cluster',
});
