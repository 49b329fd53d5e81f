import { K3sError } from '../core/errors.ts';
import { isNotFound } from '../cluster/api-error.ts';
import type { ClusterClient } from '../cluster/client.ts';
import type { KubernetesObject, ObjectRef, OwnerReference } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import { asK3sError } from './applied-set.ts';
import { applyObject, manifestOf, type ApplyObjectOptions } from './apply-object.ts';
import type { ApplyResult } from './context.ts';
import { describeIdentity, identityOf, versionlessId } from './object-identity.ts';
import { RetryableError } from './outcome.ts';

export interface ApplyAllOptions extends ApplyObjectOptions {
  readonly client: ClusterClient;
  readonly signal: AbortSignal;
  /** For objects of namespaced kinds that name none. */
  readonly defaultNamespace: string | undefined;
  /** The reference that an object in this namespace is to carry. */
  readonly ownerReferenceFor: (namespace: string | undefined) => OwnerReference | undefined;
}

export interface AppliedAll {
  /** In the order given. */
  readonly results: readonly ApplyResult[];
  /** `versionlessId` of every object whose kind the server knows, whether it could be applied or not. */
  readonly desired: ReadonlySet<string>;
}

/** Kinds that others need in order to exist, in the order in which they are applied. */
const FIRST: readonly string[] = ['Namespace', 'CustomResourceDefinition'];

/**
 * Applies objects one after another: Namespaces, then CustomResourceDefinitions, then the rest in the order given. A failure is the
 * object's own. Rejects when the signal aborts.
 */
export async function applyAll(objects: Iterable<KubernetesObject>, options: ApplyAllOptions): Promise<AppliedAll> {
  const given = [...objects];
  const results = new Map<KubernetesObject, ApplyResult>();
  const desired = new Set<string>();
  for (const object of inOrder(given)) {
    try {
      const { resource, ref } = await place(object, options);
      const id = versionlessId({ ...identityOf(object), ...ref });
      if (desired.has(id)) throw duplicate(object);
      desired.add(id);
      const manifest = manifestOf(object, ref, options.membership, options.ownerReferenceFor(ref.namespace));
      const applied = await applyObject(options.client, resource, manifest, options).catch((error: unknown) => {
        throw isUnknownPath(error) ? unknownKind(object) : error;
      });
      results.set(object, { desired: object, ...applied });
    } catch (error) {
      options.signal.throwIfAborted();
      results.set(object, { desired: object, action: 'failed', error: asK3sError(error) });
    }
  }
  return { results: given.flatMap((object) => results.get(object) ?? []), desired };
}

function inOrder(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const rank = ({ kind }: KubernetesObject): number => {
    const at = FIRST.indexOf(kind);
    return at < 0 ? FIRST.length : at;
  };
  return objects.toSorted((a, b) => rank(a) - rank(b));
}

async function place(
  object: KubernetesObject,
  options: ApplyAllOptions,
): Promise<{ resource: Resource; ref: ObjectRef }> {
  const { apiVersion, kind, metadata } = object;
  const { name } = metadata;
  if (name === undefined || name === '') {
    throw new K3sError('K3S_APPLY_OBJECT', `a ${kind} has no metadata.name`, {
      hint: 'generateName cannot be applied: give the object a name.',
    });
  }
  const resource = await options.client.resourceFor(apiVersion, kind);
  if (resource === undefined) throw unknownKind(object);
  if (resource.scope === 'Cluster') return { resource, ref: { name } };
  const namespace = metadata.namespace ?? options.defaultNamespace;
  if (namespace === undefined || namespace === '') {
    throw new K3sError('K3S_APPLY_OBJECT', `${kind} ${name} has no metadata.namespace and there is no default for it`);
  }
  return { resource, ref: { namespace, name } };
}

/** The server's answer when it does not serve the kind: no Status, unlike for an object or a namespace that is not there. */
function isUnknownPath(error: unknown): boolean {
  return isNotFound(error) && error.reason === '';
}

function unknownKind({ apiVersion, kind }: KubernetesObject): RetryableError {
  return new RetryableError('K3S_APPLY_UNKNOWN_KIND', `the server has no kind ${kind} in ${apiVersion}`, {
    fields: { apiVersion, kind },
    hint: 'It is applied once its CustomResourceDefinition is there; if none is to come, correct apiVersion and kind.',
  });
}

function duplicate(object: KubernetesObject): K3sError {
  const what = describeIdentity(identityOf(object));
  return new K3sError('K3S_APPLY_OBJECT', `${what} is in the set twice`, {
    hint: 'The first one was applied; remove the other.',
  });
}
