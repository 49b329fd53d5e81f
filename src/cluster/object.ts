/** A Kubernetes object as the API server sends it: plain JSON, timestamps as strings. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Where an object is. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectRef {
  namespace?: string;
  name: string;
}

/**
 * The JSON form of one of @kubernetes/client-node's model types: its `Date`s are strings on the wire, and kind and apiVersion
 * are always there. `Json<V1Pod>` is what `get(Pods, …)` returns.
 */
export type Json<T> = JsonOf<Omit<T, 'metadata' | 'apiVersion' | 'kind'>> & KubernetesObject;

type JsonOf<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? JsonOf<Item>[]
    : T extends object
      ? { [Key in keyof T]: JsonOf<T[Key]> }
      : T;

/** `namespace/name`, or `name` for a cluster-scoped object: the key of queues, stores and logs. */
export function keyOf(ref: ObjectRef | KubernetesObject): string {
  const { namespace, name } = 'metadata' in ref ? ref.metadata : ref;
  return namespace === undefined || namespace === '' ? (name ?? '') : `${namespace}/${name ?? ''}`;
}

/** The inverse of `keyOf`. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
