import type { ClusterClient } from '../cluster/client.ts';
import { keyOf, refOf, type KubernetesObject, type OwnerReference } from '../cluster/object.ts';
import { apiVersionOf, groupKind, type Resource } from '../cluster/resource.ts';
import { AppliedSetResult, asK3sError } from './applied-set.ts';
import { undefinedIfNotFound } from './apply-object.ts';
import { applyAll, type ApplyAllOptions } from './apply-objects.ts';
import type { AppliedSet, ApplyFailure, ObjectIdentity } from './context.ts';
import type { ObjectKind } from './group-kinds.ts';
import type { KindRecord } from './kind-record.ts';
import { identityOf, versionlessId } from './object-identity.ts';
import { survivesPruning, type Membership } from './set-membership.ts';

export interface ApplySetRequest extends Omit<ApplyAllOptions, 'membership' | 'ownerReferenceFor'> {
  readonly membership: Membership;
  readonly prune: boolean;
  readonly ownerReference: boolean;
  readonly owner: { readonly resource: Resource; readonly object: KubernetesObject };
  readonly record: KindRecord;
}

/**
 * Makes the objects of a set be what they should and no others. The set is known by a label on its members; which kinds to look for them
 * in is recorded on the owner.
 *
 * Expected flow: record the kinds of old and new members → apply each object → delete members that are not desired → record the kinds of
 * the new members only.
 *
 * Guarantees:
 * - The record names a kind before the first object of that kind is created, so whatever is created is found by a later prune.
 * - One object's failure stops neither the others nor the pruning of what is no longer desired.
 * - A kind that the server does not know blocks its own objects only. Recorded, it stays recorded and is skipped.
 * - What is desired is never pruned, not even when applying it failed; nor is what is labelled to survive, or what was made anew since it
 *   was listed.
 *
 * Assumptions: nobody else writes the record; the label is not given to foreign objects.
 *
 * Caveats: a caller that could not read a part of what it desires must pass `prune: false`, or that part's objects go.
 */
export async function applySet(objects: readonly KubernetesObject[], request: ApplySetRequest): Promise<AppliedSet> {
  const { client, owner, record, dryRun, prune } = request;
  const kinds = [...objects, ...record.kinds];
  if (!dryRun) await record.write(client, kinds);
  const { results, desired } = await applyAll(objects, {
    ...request,
    ownerReferenceFor: (namespace) => (request.ownerReference ? ownerReference(owner, namespace) : undefined),
  });
  if (!prune) return new AppliedSetResult(results, [], []);
  const pruning = await pruneSet(kinds, desired, request);
  const applied = new AppliedSetResult(results, pruning.pruned, pruning.failures);
  if (!dryRun && applied.failures.length === 0) await record.write(client, [...objects, ...pruning.unknown]);
  return applied;
}

interface Pruning {
  readonly pruned: ObjectIdentity[];
  readonly failures: ApplyFailure[];
  /** Recorded kinds that the server does not know at present. */
  readonly unknown: ObjectKind[];
}

async function pruneSet(
  kinds: readonly ObjectKind[],
  desired: ReadonlySet<string>,
  request: ApplySetRequest,
): Promise<Pruning> {
  const pruning: Pruning = { pruned: [], failures: [], unknown: [] };
  const resources = new Map<string, Resource>();
  for (const kind of kinds) {
    const resource = await request.client.resourceFor(kind.apiVersion, kind.kind);
    if (resource === undefined) {
      pruning.unknown.push(kind);
      continue;
    }
    // Versions of one kind show the same objects.
    const id = groupKind(resource);
    if (!resources.has(id)) resources.set(id, resource);
  }
  // Namespaces and definitions take others with them, so they go last.
  for (const resource of [...resources.values()].toSorted((a, b) => weight(a) - weight(b))) {
    await attempt(request, { ...kindOf(resource), name: '*' }, pruning, () =>
      pruneKind(resource, desired, request, pruning),
    );
  }
  return pruning;
}

async function pruneKind(
  resource: Resource,
  desired: ReadonlySet<string>,
  request: ApplySetRequest,
  pruning: Pruning,
): Promise<void> {
  const { client, membership, dryRun } = request;
  const list = await client.list(resource, { labelSelector: membership.selector }).catch(undefinedIfNotFound);
  // The kind has gone since the client learned of it.
  if (list === undefined) pruning.unknown.push(kindOf(resource));
  for (const member of list?.items ?? []) {
    const identity = identityOf({ ...member, ...kindOf(resource) });
    if (desired.has(versionlessId(identity)) || survivesPruning(member)) continue;
    if (member.metadata.deletionTimestamp !== undefined) continue;
    await attempt(request, identity, pruning, async () => {
      if (!dryRun) await remove(client, resource, member);
      pruning.pruned.push(identity);
    });
  }
}

/** Notes a failure of `work` as that of `object`, except when the run is aborted. */
async function attempt(
  { signal }: ApplySetRequest,
  object: ObjectIdentity,
  pruning: Pruning,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    pruning.failures.push({ object, error: asK3sError(error) });
  }
}

function kindOf(resource: Resource): ObjectKind {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function weight({ kind }: Resource): number {
  return kind === 'Namespace' || kind === 'CustomResourceDefinition' ? 1 : 0;
}

async function remove(client: ClusterClient, resource: Resource, member: KubernetesObject): Promise<void> {
  const { uid } = member.metadata;
  await client
    .delete(resource, refOf(keyOf(member)), {
      propagationPolicy: 'Background',
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    })
    .catch(undefinedIfNotFound);
}

/** A cluster-scoped owner can own anything, a namespaced one only what is in its namespace. */
function ownerReference(
  { resource, object }: ApplySetRequest['owner'],
  namespace: string | undefined,
): OwnerReference | undefined {
  const { name = '', uid = '' } = object.metadata;
  if (resource.scope === 'Namespaced' && namespace !== object.metadata.namespace) return undefined;
  return { apiVersion: object.apiVersion, kind: object.kind, name, uid, controller: true, blockOwnerDeletion: true };
}
