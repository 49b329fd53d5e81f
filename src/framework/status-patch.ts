import { isConflict, isNotFound } from '../cluster/api-error.ts';
import type { ClusterClient } from '../cluster/client.ts';
import { keyOf, refOf, type KubernetesObject } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import { withConditions, type ConditionChange } from './conditions.ts';
import type { Condition } from './context.ts';
import { changesNothing } from './merge-patch.ts';

export interface StatusPatch {
  readonly status: object;
  readonly conditions: readonly ConditionChange[];
  /** Of the object that the conditions speak of. */
  readonly generation: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Others that write conditions at the same moment may win so many times. */
const ATTEMPTS = 4;

/**
 * Merges into the status of `object` and returns it as it is then. Sends nothing when that changes nothing, or when the object is gone.
 * Conditions are one list, which a merge patch replaces as a whole: with them the patch holds only for the version that it was made from,
 * and is made again from the current one when the server refuses.
 */
export async function patchStatus<T extends KubernetesObject>(
  client: ClusterClient,
  resource: Resource<T>,
  object: T,
  patch: StatusPatch,
): Promise<T> {
  const ref = refOf(keyOf(object));
  for (let attempt = 1, current = object; ; attempt++) {
    const { status, locked } = merged(current, patch);
    if (changesNothing(statusOf(current), status)) return current;
    const { uid, resourceVersion } = current.metadata;
    const body = locked ? { metadata: { resourceVersion }, status } : { status };
    try {
      return await client.patch(resource, ref, { type: 'merge', body }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return current;
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      const live = await client.get(resource, ref);
      if (live.metadata.uid !== uid) return current;
      current = live;
    }
  }
}

function merged(object: KubernetesObject, patch: StatusPatch): { status: object; locked: boolean } {
  if (patch.conditions.length === 0) return { status: patch.status, locked: false };
  const current = statusOf(object);
  const conditions = withConditions(
    'conditions' in current && Array.isArray(current.conditions) ? (current.conditions as Condition[]) : [],
    patch.conditions,
    patch.generation,
    patch.now,
  );
  return { status: { ...patch.status, conditions }, locked: true };
}

function statusOf(object: KubernetesObject): object {
  return 'status' in object && typeof object.status === 'object' && object.status !== null ? object.status : {};
}
