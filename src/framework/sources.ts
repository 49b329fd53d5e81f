import type { Observable } from 'rxjs';
import type { Informer } from '../cluster/informers.ts';
import { keyOf, type KubernetesObject, type ObjectRef } from '../cluster/object.ts';
import { groupKind } from '../cluster/resource.ts';
import type { Delta } from '../cluster/store.ts';
import { causeOf, type Cause } from './cause.ts';
import type { Change, CommonDefinition, WatchedKind } from './controller.ts';
import { follow } from './follow.ts';
import { everyKey, type EveryKey } from './source.ts';
import type { WorkHost } from './work.ts';

/** Queues all keys there are. */
export type EnqueueAll = (cause: Cause) => void;

/** Connects a definition's `watches` and `triggers` to the queue. */
export function connectSources<Deps>(
  definition: CommonDefinition<Deps>,
  deps: Deps,
  host: WorkHost,
  enqueueAll: EnqueueAll,
): void {
  for (const watched of definition.watches ?? []) watchKind(watched, host, enqueueAll);
  const triggers$: Observable<ObjectRef | string | EveryKey> | undefined = definition.triggers?.(deps);
  if (triggers$ === undefined) return;
  const cause: Cause = { source: 'trigger', change: 'triggered' };
  follow('triggers', triggers$, (target) => enqueueTarget(target, cause, host, enqueueAll), host.scope, host);
}

function watchKind(watched: WatchedKind, host: WorkHost, enqueueAll: EnqueueAll): void {
  const { resource } = watched;
  const informer: Informer = host.caches.hold(resource);
  const handle = (delta: Delta): void => {
    const change = changeOf(delta);
    if (watched.predicate?.(change) === false) return;
    const cause = causeOf(delta, groupKind(resource));
    const seen = delta.type === 'updated' ? [delta.previous, delta.object] : [delta.object];
    for (const object of seen) {
      for (const target of watched.map(object)) enqueueTarget(target, cause, host, enqueueAll);
    }
  };
  follow(`changes of ${groupKind(resource)}`, informer.deltas$, handle, host.scope, host);
}

export function enqueueTarget(
  target: ObjectRef | string | EveryKey,
  cause: Cause,
  host: WorkHost,
  enqueueAll: EnqueueAll,
): void {
  if (target === everyKey) enqueueAll(cause);
  else host.enqueue(typeof target === 'string' ? target : keyOf(target), cause, priorityOf(cause));
}

/** What a list shows for the first time may be old news. */
export function priorityOf(cause: Cause): 'high' | 'low' {
  return cause.change === 'listed' ? 'low' : 'high';
}

export function changeOf<T extends KubernetesObject>(delta: Delta<T>): Change<T> {
  return { type: delta.type, object: delta.object, previous: delta.type === 'updated' ? delta.previous : undefined };
}
