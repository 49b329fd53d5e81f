import { createHash } from 'node:crypto';
import type { KubernetesObject, ObjectRef } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import { formatKind } from './group-kinds.ts';
import { parseApiVersion } from './object-identity.ts';

// Names and meaning are those of rancher/wrangler, so that k3s's tools find our objects and we find those of a former k3s.
const PREFIX = 'objectset.rio.cattle.io';
const HASH_LABEL = `${PREFIX}/hash`;
const PRUNE_LABEL = `${PREFIX}/prune`;
const OWNER_KIND = `${PREFIX}/owner-gvk`;
const OWNER_NAME = `${PREFIX}/owner-name`;
const OWNER_NAMESPACE = `${PREFIX}/owner-namespace`;
/** What k3s applied last, for its three-way merge. Server-side apply keeps that in managedFields. */
export const APPLIED_ANNOTATION = `${PREFIX}/applied`;

/** What marks the objects of one set of one owner. */
export interface Membership {
  readonly hash: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Finds them with a label selector. */
  readonly selector: string;
}

export function membershipOf(owner: KubernetesObject, set: string): Membership {
  const gvk = formatKind(owner);
  const { name = '', namespace = '' } = owner.metadata;
  const hash = createHash('sha1').update(set).update(gvk).update(name).update(namespace).digest('hex');
  return {
    hash,
    labels: { [HASH_LABEL]: hash },
    annotations: {
      [`${PREFIX}/id`]: set,
      [OWNER_KIND]: gvk,
      [OWNER_NAME]: name,
      ...(namespace === '' ? {} : { [OWNER_NAMESPACE]: namespace }),
    },
    selector: `${HASH_LABEL}=${hash}`,
  };
}

export function isMember(object: KubernetesObject, membership: Membership): boolean {
  return object.metadata.labels?.[HASH_LABEL] === membership.hash;
}

/** Whether its author asked for the object to outlive its set. */
export function survivesPruning(object: KubernetesObject): boolean {
  return object.metadata.labels?.[PRUNE_LABEL] === 'false' || object.metadata.annotations?.[PRUNE_LABEL] === 'false';
}

/** For messages: whose set an object is in, as far as it says. */
export function ownerIn(object: KubernetesObject): string | undefined {
  const { annotations = {} } = object.metadata;
  const name = annotations[OWNER_NAME];
  if (name === undefined) return undefined;
  const kind = annotations[OWNER_KIND]?.replace(/^.*Kind=/, '') ?? 'object';
  const namespace = annotations[OWNER_NAMESPACE];
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** The objects of a kind that `object` belongs to, by owner reference or by any of their sets. */
export function ownersOf(object: KubernetesObject, owner: Resource): ObjectRef[] {
  const { ownerReferences = [], annotations = {}, namespace } = object.metadata;
  const owners: ObjectRef[] = [];
  for (const reference of ownerReferences) {
    if (reference.kind !== owner.kind || parseApiVersion(reference.apiVersion).group !== owner.group) continue;
    const inNamespace = owner.scope === 'Namespaced' && namespace !== undefined ? { namespace } : {};
    owners.push({ name: reference.name, ...inNamespace });
  }
  const [apiVersion = '', kind] = (annotations[OWNER_KIND] ?? '').split(', Kind=');
  const name = annotations[OWNER_NAME];
  if (name !== undefined && kind === owner.kind && parseApiVersion(apiVersion).group === owner.group) {
    const inNamespace = annotations[OWNER_NAMESPACE];
    owners.push({ name, ...(inNamespace === undefined ? {} : { namespace: inNamespace }) });
  }
  return owners;
}
