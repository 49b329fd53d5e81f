import { keyOf, type KubernetesObject } from '../cluster/object.ts';
import type { ObjectIdentity } from './context.ts';

export function identityOf({ apiVersion, kind, metadata }: KubernetesObject): ObjectIdentity {
  const { namespace, name = '' } = metadata;
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** The same for the same object, in whatever version of its group it is written. */
export function versionlessId(identity: ObjectIdentity): string {
  const { group } = parseApiVersion(identity.apiVersion);
  return `${group}/${identity.kind}/${identity.namespace ?? ''}/${identity.name}`;
}

/** For people: `Deployment kube-system/coredns`. */
export function describeIdentity(identity: ObjectIdentity): string {
  return `${identity.kind} ${keyOf(identity)}`;
}

export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}
