import { isInvalid, isNotFound } from '../cluster/api-error.ts';
import type { ClusterClient } from '../cluster/client.ts';
import { keyOf, refOf, type KubernetesObject } from '../cluster/object.ts';
import { groupKind, type Resource } from '../cluster/resource.ts';
import { RetryableError, type Outcome } from './outcome.ts';

export interface Finalization<T extends KubernetesObject> {
  readonly client: ClusterClient;
  readonly resource: Resource<T>;
  readonly finalizer: string;
  reconcile(object: T): Promise<Outcome>;
  cleanup(object: T): Promise<Outcome>;
}

/**
 * Runs `reconcile` or `cleanup` for an object, whichever is due, and keeps the finalizer in step.
 *
 * Expected flow: object without the finalizer → add it → `reconcile` with what the server answered. Later runs → `reconcile`. Deletion
 * requested → `cleanup` until its outcome is `done()` → remove the finalizer → the server removes the object.
 *
 * Guarantees:
 * - `reconcile` never runs for an object that does not carry the finalizer, so nothing is made that `cleanup` is not asked to undo.
 * - `reconcile` never runs once deletion has been requested, as far as the cache knows.
 * - The finalizer stays until `cleanup` has returned `done()`; a throw, a requeue or a wait keeps it, through restarts too.
 * - Finalizers of others are neither removed nor overwritten: each edit names the place that it expects and is refused by the server if
 *   that has changed. An edit meant for an object does not reach one that was made anew under the same name.
 *
 * Assumptions: no two controllers use the same finalizer; `cleanup` can be repeated.
 *
 * Caveats: an object that is deleted before the finalizer was added is not cleaned up, which is right because it was not reconciled.
 * A user who removes the finalizer by hand gives up the clean-up. While the controller does not run, deleted objects stay.
 */
export async function finalize<T extends KubernetesObject>(object: T, work: Finalization<T>): Promise<Outcome> {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  const at = finalizers.indexOf(work.finalizer);
  if (deletionTimestamp === undefined) {
    return work.reconcile(at >= 0 ? object : await addFinalizer(object, work));
  }
  if (at < 0) return { type: 'done' };
  const outcome = await work.cleanup(object);
  if (outcome.type === 'done') await removeFinalizer(object, at, work);
  return outcome;
}

function addFinalizer<T extends KubernetesObject>(object: T, work: Finalization<T>): Promise<T> {
  const { finalizers } = object.metadata;
  const path = '/metadata/finalizers';
  return edit(object, work, [
    // A field that is absent tests equal to null.
    { op: 'test', path, value: finalizers ?? null },
    finalizers === undefined
      ? { op: 'add', path, value: [work.finalizer] }
      : { op: 'add', path: `${path}/-`, value: work.finalizer },
  ]);
}

async function removeFinalizer<T extends KubernetesObject>(
  object: T,
  at: number,
  work: Finalization<T>,
): Promise<void> {
  const path = `/metadata/finalizers/${at}`;
  try {
    await edit(object, work, [
      { op: 'test', path, value: work.finalizer },
      { op: 'remove', path },
    ]);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function edit<T extends KubernetesObject>(
  object: T,
  { client, resource, finalizer }: Finalization<T>,
  operations: readonly unknown[],
): Promise<T> {
  const body = [{ op: 'test', path: '/metadata/uid', value: object.metadata.uid }, ...operations];
  try {
    return await client.patch(resource, refOf(keyOf(object)), { type: 'json', body });
  } catch (error) {
    // The server's answer to a test that does not hold.
    if (!isInvalid(error)) throw error;
    const what = `${groupKind(resource)} ${keyOf(object)}`;
    throw new RetryableError('K3S_CONTROLLER_FINALIZER', `the finalizers of ${what} have changed meanwhile`, {
      cause: error,
      fields: { object: what, finalizer },
    });
  }
}
