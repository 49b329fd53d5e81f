import type { Observable } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { ClusterClient } from './client.ts';
import type { KubernetesObject } from './object.ts';
import type { Resource } from './resource.ts';
import type { Delta, Store } from './store.ts';

/** Which objects of a kind an informer holds. */
export interface Selection {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** How the connection behind a store is doing. */
export type InformerHealth =
  | { state: 'starting' }
  | { state: 'live' }
  /** The store keeps its last content while the reflector tries again. */
  | { state: 'retrying'; error: unknown; retryAt: number }
  /** The server does not have the kind (404) or refuses it (403): asked again, but rarely. */
  | { state: 'unavailable'; error: unknown; retryAt: number };

/**
 * One user's hold on a shared store. Disposing it ends the user's interest; the last one that lets go stops the watch.
 */
export interface Informer<T extends KubernetesObject = KubernetesObject> extends AsyncDisposable {
  readonly resource: Resource<T>;
  readonly selection: Selection;
  readonly store: Store<T>;
  /** Resolves when the store has been filled for the first time; rejects when the informer is disposed before that. */
  readonly synced: Promise<void>;
  /**
   * Every change of the store from the moment of subscription, after the content of that moment as `added` with `initial`.
   * The store already shows a change when it is emitted. Never errors; completes when the informer is disposed.
   */
  readonly deltas$: Observable<Delta<T>>;
  /** The present health, then every change of it. Completes when the informer is disposed. */
  readonly health$: Observable<InformerHealth>;
  /** Tries again now instead of at `retryAt`; for whoever knows that a kind has just been established. */
  retryNow(): void;
}

export interface InformersOptions {
  client: ClusterClient;
  clock: Clock;
  random: Random;
  log: Logger;
}

/** The shared caches of one cluster identity: one watch and one store per kind and selection, counted by reference. */
export interface Informers extends AsyncDisposable {
  informer<T extends KubernetesObject>(resource: Resource<T>, selection?: Selection): Informer<T>;
}
