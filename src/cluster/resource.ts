import type { KubernetesObject } from './object.ts';

/** A kind as a value: what a client needs to build its paths, and the type of its objects. */
export interface Resource<T extends KubernetesObject = KubernetesObject> {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** Carries the object's type; never set. */
  readonly objectType?: T;
}

export function defineResource<T extends KubernetesObject>(definition: Omit<Resource<T>, 'objectType'>): Resource<T> {
  return definition;
}

/** `apiVersion` as it stands in objects: `v1`, `apps/v1`. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `Kind.group`, the name of a kind in messages, metrics and apply sets: `ConfigMap`, `Deployment.apps`. */
export function groupKind(resource: Pick<Resource, 'group' | 'kind'>): string {
  return resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
}
