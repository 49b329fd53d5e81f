import { isDeepStrictEqual } from 'node:util';
import { K3sError } from '../core/errors.ts';
import { ApiError, isInvalid, isNotFound } from '../cluster/api-error.ts';
import type { Applied, ApplyOptions, ClusterClient } from '../cluster/client.ts';
import type { KubernetesObject, ObjectRef, OwnerReference } from '../cluster/object.ts';
import { groupKind, type Resource } from '../cluster/resource.ts';
import type { ApplyAction } from './context.ts';
import { describeIdentity, identityOf } from './object-identity.ts';
import { RetryableError } from './outcome.ts';
import { APPLIED_ANNOTATION, isMember, ownerIn, type Membership } from './set-membership.ts';

export interface ApplyObjectOptions {
  readonly fieldManager: string;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly adopt: boolean;
  readonly recreate: boolean;
  /** The set that the object is part of, if any. */
  readonly membership: Membership | undefined;
}

type Manifest = Applied<KubernetesObject>;
/** What applying one object asks of a cluster. */
export type ApplyClient = Pick<ClusterClient, 'get' | 'apply' | 'patch' | 'delete'>;

/** Kinds that may be deleted and made again because that loses nothing that the manifest does not hold. */
const RECREATABLE: ReadonlySet<string> = new Set([
  'Deployment.apps',
  'DaemonSet.apps',
  'Job.batch',
  'Service',
  'Secret',
  'RoleBinding.rbac.authorization.k8s.io',
  'ClusterRoleBinding.rbac.authorization.k8s.io',
]);

/** What the server fills in; a manifest that was exported from a cluster holds it too, and it is not the author's wish. */
const SERVERS_METADATA: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
]);

/** The fields that we want to own of `object`: as its author wrote it, and as a member of its set. */
export function manifestOf(
  object: KubernetesObject,
  ref: ObjectRef,
  membership: Membership | undefined,
  owner: OwnerReference | undefined,
): Manifest {
  const { status: _, metadata, ...wish } = object as KubernetesObject & { status?: unknown };
  const own = Object.fromEntries(Object.entries(metadata).filter(([name]) => !SERVERS_METADATA.has(name)));
  const { namespace: __, ...kept } = own;
  return {
    ...wish,
    metadata: {
      ...kept,
      ...ref,
      ...(membership && {
        labels: { ...metadata.labels, ...membership.labels },
        annotations: { ...metadata.annotations, ...membership.annotations },
      }),
      ...(owner && { ownerReferences: [...(metadata.ownerReferences ?? []), owner] }),
    },
  };
}

/**
 * Server-side apply of one object. Rejects with K3S_APPLY_NOT_OURS for an object that exists outside of the set (without `adopt`),
 * K3S_APPLY_TERMINATING while it is being deleted, or the server's ApiError.
 */
export async function applyObject(
  client: ApplyClient,
  resource: Resource,
  manifest: Manifest,
  options: ApplyObjectOptions,
): Promise<{ action: ApplyAction; live: KubernetesObject }> {
  const { fieldManager, force, dryRun } = options;
  const { namespace, name } = manifest.metadata;
  const ref: ObjectRef = { name, ...(namespace === undefined ? {} : { namespace }) };
  const before = await client.get(resource, ref).catch(undefinedIfNotFound);
  if (before !== undefined) {
    if (before.metadata.deletionTimestamp !== undefined) throw terminating(before);
    checkOwnership(before, options);
    if (!dryRun && before.metadata.annotations?.[APPLIED_ANNOTATION] !== undefined) {
      await takeOverFields(client, resource, ref, before, fieldManager);
    }
  }
  const request: ApplyOptions = { fieldManager, force, dryRun };
  try {
    const live = await client.apply(resource, manifest, request);
    return { action: actionOf(before, live, dryRun), live };
  } catch (error) {
    if (before === undefined || !options.recreate || !mustBeRecreated(resource, error)) throw error;
    if (dryRun) return { action: 'recreated', live: before };
    const { uid } = before.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client.delete(resource, ref, { propagationPolicy: 'Background', ...preconditions });
    const left = await client.get(resource, ref).catch(undefinedIfNotFound);
    if (left !== undefined) throw terminating(left);
    return { action: 'recreated', live: await client.apply(resource, manifest, request) };
  }
}

export function undefinedIfNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

function checkOwnership(before: KubernetesObject, { membership, adopt }: ApplyObjectOptions): void {
  if (membership === undefined || adopt || isMember(before, membership)) return;
  const owner = ownerIn(before);
  const what = describeIdentity(identityOf(before));
  throw new K3sError(
    'K3S_APPLY_NOT_OURS',
    `${what} exists already and belongs to ${owner === undefined ? 'nobody that it names' : owner}`,
    { fields: { object: what, owner }, hint: 'Delete or rename one of the two.' },
  );
}

function terminating(object: KubernetesObject): RetryableError {
  const what = describeIdentity(identityOf(object));
  return new RetryableError('K3S_APPLY_TERMINATING', `${what} is being deleted`, {
    fields: { object: what, finalizers: object.metadata.finalizers },
    hint: 'It is applied again once it is gone; its finalizers say who has to let it go.',
  });
}

function actionOf(before: KubernetesObject | undefined, live: KubernetesObject, dryRun: boolean): ApplyAction {
  if (before === undefined) return 'created';
  const same = dryRun
    ? isDeepStrictEqual(comparable(before), comparable(live))
    : before.metadata.resourceVersion === live.metadata.resourceVersion;
  return same ? 'unchanged' : 'updated';
}

function comparable(object: KubernetesObject): unknown {
  const { managedFields: _, resourceVersion: __, generation: ___, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function mustBeRecreated(resource: Resource, error: unknown): boolean {
  if (!isInvalid(error) || !RECREATABLE.has(groupKind(resource))) return false;
  return causesOf(error).some(({ field, message }) => field === 'roleRef' || /\bimmutable\b/.test(message ?? ''));
}

function causesOf(error: ApiError): readonly { field?: string; message?: string }[] {
  return error.details?.causes ?? [];
}

/**
 * Makes what a former k3s wrote with client-side patches ours, so that fields which the manifest no longer has go away: its entry in
 * managedFields is the one that holds the annotation that it kept for its own merges. That annotation goes away with them.
 */
async function takeOverFields(
  client: ApplyClient,
  resource: Resource,
  ref: ObjectRef,
  before: KubernetesObject,
  fieldManager: string,
): Promise<void> {
  const entries = (before.metadata.managedFields ?? []) as readonly ManagedFields[];
  const former = entries.findIndex(
    ({ operation, subresource, fieldsV1 }) =>
      operation === 'Update' &&
      subresource === undefined &&
      JSON.stringify(fieldsV1)?.includes(`f:${APPLIED_ANNOTATION}`),
  );
  const taken = entries.some((entry) => entry.manager === fieldManager && entry.operation === 'Apply');
  if (former < 0 || taken) return;
  const entry = `/metadata/managedFields/${former}`;
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: before.metadata.resourceVersion },
    { op: 'replace', path: `${entry}/manager`, value: fieldManager },
    { op: 'replace', path: `${entry}/operation`, value: 'Apply' },
  ];
  await client.patch(resource, ref, { type: 'json', body });
}

interface ManagedFields {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: unknown;
}
