import { isDeepStrictEqual } from 'node:util';
import { keyOf, type ObjectMeta, type ObjectRef } from '../../../cluster/object.ts';
import { badRequest, conflict, invalid, modified } from './failure.ts';
import type { ServedKind } from './kind-table.ts';
import type { Fields, Stored } from './value.ts';

export function refOfObject(object: Stored): ObjectRef {
  const { namespace, name = '' } = object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}

/** A writer that names a version or an identity means that one and no other. */
export function checkIdentity(kind: ServedKind, live: Stored, metadata: ObjectMeta, isReplacement: boolean): void {
  const name = live.metadata.name ?? '';
  if (
    keyOf(live) !==
    keyOf({ name: metadata.name ?? '', ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) })
  ) {
    throw badRequest(
      `the name of the object (${keyOf({ ...live, metadata })}) does not match the name on the URL (${keyOf(live)})`,
    );
  }
  const { uid = '', resourceVersion = '' } = metadata;
  if (uid !== '' && uid !== live.metadata.uid) {
    // For a replacement the uid is a precondition, for the others a field like any other.
    if (!isReplacement)
      throw invalid(kind, name, [{ field: 'metadata.uid', message: `Invalid value: "${uid}": field is immutable` }]);
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid ?? ''}`,
    );
  }
  if (resourceVersion !== '' && resourceVersion !== live.metadata.resourceVersion) throw modified(kind, name);
}

/** Server-side apply is nothing without a manager, and the record of managers is the server's to write. */
export function checkApplied({ metadata }: Stored, manager: string): void {
  if (manager === '') throw badRequest('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value');
  if ((metadata.managedFields ?? []).length > 0) throw badRequest('metadata.managedFields must be nil');
}

/** Server-side apply through a sub-resource concerns that part only, and the object itself does not concern its status. */
export function withinSubresource(applied: Stored, kind: ServedKind, subresource: string): Stored {
  const { apiVersion, metadata } = applied;
  if (subresource === 'status') {
    const { name, namespace, uid, resourceVersion } = metadata;
    const identity = Object.entries({ name, namespace, uid, resourceVersion }).filter(
      ([, value]) => value !== undefined,
    );
    return { apiVersion, kind: applied.kind, metadata: Object.fromEntries(identity), status: applied['status'] };
  }
  if (!kind.status) return applied;
  const { status: _, ...rest } = applied;
  return rest;
}

export function changesGeneration(kind: ServedKind, live: Stored, next: Stored): boolean {
  const counted = ({ status, ...rest }: Stored): Fields => ({
    ...rest,
    metadata: undefined,
    ...(kind.status ? {} : { status }),
  });
  return !isDeepStrictEqual(counted(live), counted(next));
}

export function isFinished({ metadata, kind }: Stored): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0 && kind !== 'Namespace';
}
