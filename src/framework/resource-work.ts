import { keyOf, type KubernetesObject } from '../cluster/object.ts';
import type { Informer } from '../cluster/informers.ts';
import { groupKind, type Resource } from '../cluster/resource.ts';
import type { Delta } from '../cluster/store.ts';
import { causeOf } from './cause.ts';
import { settingsOf, type ControllerDefinition } from './controller.ts';
import { finalize } from './finalizer.ts';
import { follow } from './follow.ts';
import { ObjectContext } from './object-context.ts';
import { done, type Outcome } from './outcome.ts';
import { ownersOf } from './set-membership.ts';
import { changeOf, connectSources, priorityOf } from './sources.ts';
import type { Run, Work, WorkHost } from './work.ts';

type Definition<Deps> = ControllerDefinition<KubernetesObject, Deps>;

/** The work of a controller whose keys are Kubernetes objects. */
export function resourceWork<Deps>(definition: Definition<Deps>, deps: Deps): Work {
  let primaries: Informer | undefined;
  return {
    ...settingsOf(definition),
    async open(host) {
      const { namespace, selector } = definition;
      const informer = host.caches.hold(definition.for, {
        ...(namespace === undefined ? {} : { namespace }),
        ...(selector === undefined ? {} : { labelSelector: selector }),
      });
      primaries = informer;
      watchPrimaries(definition, informer, host);
      for (const resource of definition.owns ?? []) watchOwned(definition.for, resource, host);
      connectSources(definition, deps, host, (cause) => {
        for (const object of informer.store.list()) host.enqueue(keyOf(object), cause, 'low');
      });
      await informer.synced;
    },
    async run(run) {
      const object = primaries?.store.get(run.key);
      return object === undefined ? 'gone' : runObject(definition, deps, run, object);
    },
  };
}

async function runObject<Deps>(
  definition: Definition<Deps>,
  deps: Deps,
  run: Run,
  object: KubernetesObject,
): Promise<Outcome> {
  const { finalizer, groupKindsAnnotation, for: resource } = definition;
  const within = async (object: KubernetesObject, act: 'reconcile' | 'cleanup'): Promise<Outcome> => {
    const context = new ObjectContext(definition.name, run, deps, { resource, object, groupKindsAnnotation });
    let outcome: Outcome | undefined;
    try {
      outcome = await definition[act]?.(context, object);
    } catch (error) {
      await context.flush().catch((flushError: unknown) => {
        run.log.debug('conditions could not be written', { error: flushError });
      });
      throw error;
    }
    await context.flush();
    return outcome ?? done();
  };
  if (finalizer !== undefined) {
    return finalize(object, {
      client: run.client,
      resource,
      finalizer,
      reconcile: (current) => within(current, 'reconcile'),
      cleanup: (current) => within(current, 'cleanup'),
    });
  }
  return object.metadata.deletionTimestamp === undefined ? within(object, 'reconcile') : done();
}

function watchPrimaries<Deps>(definition: Definition<Deps>, informer: Informer, host: WorkHost): void {
  const source = groupKind(definition.for);
  const handle = (delta: Delta): void => {
    const cause = causeOf(delta, source);
    if (matters(definition, delta)) host.enqueue(delta.key, cause, priorityOf(cause));
  };
  follow(`changes of ${source}`, informer.deltas$, handle, host.scope, host);
}

/** Arrival, departure and the wish to depart always matter; of other changes the definition decides. */
function matters<Deps>(definition: Definition<Deps>, delta: Delta): boolean {
  if (delta.type !== 'updated') return true;
  if (delta.object.metadata.deletionTimestamp !== delta.previous.metadata.deletionTimestamp) return true;
  return definition.predicate?.(changeOf(delta)) ?? true;
}

function watchOwned(owner: Resource, resource: Resource, host: WorkHost): void {
  const handle = (delta: Delta): void => {
    const cause = causeOf(delta, groupKind(resource));
    // The owners are queued by their own first list.
    if (cause.change === 'listed') return;
    const seen = delta.type === 'updated' ? [delta.previous, delta.object] : [delta.object];
    for (const key of new Set(seen.flatMap((object) => ownersOf(object, owner).map(keyOf)))) host.enqueue(key, cause);
  };
  const informer = host.caches.hold(resource);
  follow(`changes of ${groupKind(resource)}`, informer.deltas$, handle, host.scope, host);
}
