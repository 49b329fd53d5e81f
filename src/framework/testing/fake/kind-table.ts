import type { OpenApiSchema } from '../../../cluster/open-api-schema.ts';
import type { Resource } from '../../../cluster/resource.ts';
import { groupResource, unknownPath } from './failure.ts';
import { builtinType, type MergeType, schemaType } from './merge-type.ts';

/** What the fake API server knows of one kind. */
export interface ServedKind extends Pick<Resource, 'group' | 'kind' | 'plural' | 'scope'> {
  readonly versions: readonly string[];
  /** Whether status is a sub-resource: writes to the object leave it alone and writes to it leave the object alone. */
  readonly status: boolean;
  /** Whether `metadata.generation` counts changes of the specification. */
  readonly generation: boolean;
  /** Built-in kinds are trusted; custom ones are strict about updates without a resourceVersion. */
  readonly custom: boolean;
  /** Per version; absent for built-in kinds and for those that a test declares without one. */
  readonly schemas: Readonly<Record<string, OpenApiSchema>>;
  /** The revision at which the kind came to be; no watch can start from before it. */
  readonly servedSince: number;
}

/** Traits: `s` status sub-resource, `g` generation. One line per group and version. */
const BUILTIN: readonly [group: string, version: string, scope: Resource['scope'], kinds: string][] = [
  [
    '',
    'v1',
    'Namespaced',
    'Pod/pods/sg Service/services/s ConfigMap/configmaps Secret/secrets ServiceAccount/serviceaccounts Endpoints/endpoints ' +
      'PersistentVolumeClaim/persistentvolumeclaims/s LimitRange/limitranges ResourceQuota/resourcequotas/s ' +
      'ReplicationController/replicationcontrollers/sg PodTemplate/podtemplates/g',
  ],
  ['', 'v1', 'Cluster', 'Node/nodes/s Namespace/namespaces/s PersistentVolume/persistentvolumes/s'],
  [
    'apps',
    'v1',
    'Namespaced',
    'Deployment/deployments/sg DaemonSet/daemonsets/sg StatefulSet/statefulsets/sg ReplicaSet/replicasets/sg',
  ],
  ['batch', 'v1', 'Namespaced', 'Job/jobs/sg CronJob/cronjobs/sg'],
  ['rbac.authorization.k8s.io', 'v1', 'Namespaced', 'Role/roles RoleBinding/rolebindings'],
  ['rbac.authorization.k8s.io', 'v1', 'Cluster', 'ClusterRole/clusterroles ClusterRoleBinding/clusterrolebindings'],
  ['discovery.k8s.io', 'v1', 'Namespaced', 'EndpointSlice/endpointslices/g'],
  ['coordination.k8s.io', 'v1', 'Namespaced', 'Lease/leases'],
  ['events.k8s.io', 'v1', 'Namespaced', 'Event/events'],
  ['networking.k8s.io', 'v1', 'Namespaced', 'Ingress/ingresses/sg NetworkPolicy/networkpolicies/g'],
  ['networking.k8s.io', 'v1', 'Cluster', 'IngressClass/ingressclasses/g'],
  ['policy', 'v1', 'Namespaced', 'PodDisruptionBudget/poddisruptionbudgets/sg'],
  ['storage.k8s.io', 'v1', 'Cluster', 'StorageClass/storageclasses CSIDriver/csidrivers'],
  ['scheduling.k8s.io', 'v1', 'Cluster', 'PriorityClass/priorityclasses/g'],
  ['apiregistration.k8s.io', 'v1', 'Cluster', 'APIService/apiservices/s'],
  ['apiextensions.k8s.io', 'v1', 'Cluster', 'CustomResourceDefinition/customresourcedefinitions/sg'],
  [
    'admissionregistration.k8s.io',
    'v1',
    'Cluster',
    'ValidatingWebhookConfiguration/validatingwebhookconfigurations/g MutatingWebhookConfiguration/mutatingwebhookconfigurations/g',
  ],
];

/** The kinds that the fake serves at the moment. */
export class KindTable {
  readonly #kinds = new Map<string, ServedKind>();

  constructor() {
    for (const [group, version, scope, kinds] of BUILTIN) {
      for (const entry of kinds.split(' ')) {
        const [kind = '', plural = '', traits = ''] = entry.split('/');
        this.serve({
          group,
          kind,
          plural,
          scope,
          versions: [version],
          status: traits.includes('s'),
          generation: traits.includes('g'),
          custom: false,
          schemas: {},
          servedSince: 0,
        });
      }
    }
  }

  serve(kind: ServedKind): void {
    this.#kinds.set(groupResource(kind), kind);
  }

  /** Returns whether it was served. */
  withdraw(kind: Pick<Resource, 'group' | 'plural'>): boolean {
    return this.#kinds.delete(groupResource(kind));
  }

  /** Throws the 404 of an unknown path. */
  served(resource: Pick<Resource, 'group' | 'plural' | 'version'>): ServedKind {
    const kind = this.#kinds.get(groupResource(resource));
    if (kind?.versions.includes(resource.version) !== true) throw unknownPath();
    return kind;
  }

  namespaced(): ServedKind[] {
    return [...this.#kinds.values()].filter((kind) => kind.scope === 'Namespaced');
  }

  find(group: string, kind: string): ServedKind | undefined {
    return this.#kinds.values().find((served) => served.group === group && served.kind === kind);
  }
}

/** How the lists and maps of one version of a kind merge. */
export function mergeTypeOf(kind: ServedKind, version: string): MergeType {
  const schema = kind.schemas[version];
  return schema === undefined ? builtinType(kind.kind) : schemaType(schema);
}
