import { BehaviorSubject, Observable, Subject } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import { Scope } from '../core/scope.ts';
import type { ClusterClient } from './client.ts';
import type { KubernetesObject } from './object.ts';
import type { ReflectorEvent } from './reflector-event.ts';
import { type InformerHealth, Reflector, type Selection } from './reflector.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import { type Delta, ObjectStore, type Store } from './store.ts';

export type { InformerHealth, Selection } from './reflector.ts';

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

export function createInformers(options: InformersOptions): Informers {
  return new SharedInformers(options);
}

class SharedInformers implements Informers {
  readonly #options: InformersOptions;
  readonly #caches = new Map<string, Cache<KubernetesObject>>();
  readonly #scope = new Scope();

  constructor(options: InformersOptions) {
    this.#options = options;
  }

  informer<T extends KubernetesObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> {
    this.#scope.signal.throwIfAborted();
    const { namespace, labelSelector, fieldSelector } = selection;
    const key = JSON.stringify([apiVersionOf(resource), resource.plural, namespace, labelSelector, fieldSelector]);
    let cache = this.#caches.get(key);
    if (cache === undefined) {
      const created: Cache<KubernetesObject> = new Cache<KubernetesObject>(resource, selection, this.#options, () => {
        if (this.#caches.get(key) === created) this.#caches.delete(key);
      });
      this.#caches.set(key, created);
      cache = created;
    }
    // The key names the kind, and one kind has one type of objects.
    return (cache as unknown as Cache<T>).join();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.close()));
    await this.#scope[Symbol.asyncDispose]();
  }
}

/** One store with the reflector that fills it, and the handles of those who use it. */
class Cache<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly selection: Selection;
  readonly store: ObjectStore<T>;
  readonly deltas = new Subject<Delta<T>>();
  readonly health = new BehaviorSubject<InformerHealth>({ state: 'starting' });
  readonly filled = Promise.withResolvers<void>();
  readonly #handles = new Set<Handle<T>>();
  readonly #scope = new Scope();
  readonly #reflector: Reflector<T>;
  readonly #running: Promise<void>;
  readonly #onClose: () => void;

  constructor(resource: Resource<T>, selection: Selection, options: InformersOptions, onClose: () => void) {
    this.resource = resource;
    this.selection = selection;
    this.store = new ObjectStore(resource);
    this.#onClose = onClose;
    this.#reflector = new Reflector<T>({
      ...options,
      resource,
      selection,
      emit: (event) => this.#take(event),
      report: (health) => this.health.next(health),
    });
    this.#running = this.#reflector.run(this.#scope.signal);
  }

  join(): Informer<T> {
    const handle = new Handle(this);
    this.#handles.add(handle);
    return handle;
  }

  /** The last one to leave stops the watch and waits for its end. */
  async leave(handle: Handle<T>): Promise<void> {
    this.#handles.delete(handle);
    if (this.#handles.size === 0) await this.#stop();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#handles].map((handle) => handle[Symbol.asyncDispose]()));
  }

  retryNow(): void {
    this.#reflector.retryNow();
  }

  #take(event: ReflectorEvent<T>): void {
    const deltas = this.store.apply(event);
    if (event.type === 'InitDone') this.filled.resolve();
    for (const delta of deltas) this.deltas.next(delta);
  }

  async #stop(): Promise<void> {
    this.#onClose();
    await this.#scope[Symbol.asyncDispose]();
    await this.#running;
  }
}

class Handle<T extends KubernetesObject> implements Informer<T> {
  readonly synced: Promise<void>;
  readonly deltas$: Observable<Delta<T>>;
  readonly health$: Observable<InformerHealth>;
  readonly #cache: Cache<T>;
  readonly #scope = new Scope();

  constructor(cache: Cache<T>) {
    this.#cache = cache;
    this.synced = new Promise((resolve, reject) => {
      void cache.filled.promise.then(resolve);
      this.#scope.signal.addEventListener('abort', () => reject(this.#scope.signal.reason), { once: true });
    });
    // Not everybody waits for it; those who do still see the rejection.
    this.synced.catch(() => {});
    this.deltas$ = this.#untilDisposed(
      new Observable<Delta<T>>((subscriber) => {
        for (const delta of cache.store.replay()) subscriber.next(delta);
        return cache.deltas.subscribe(subscriber);
      }),
    );
    this.health$ = this.#untilDisposed(cache.health);
  }

  get resource(): Resource<T> {
    return this.#cache.resource;
  }

  get selection(): Selection {
    return this.#cache.selection;
  }

  get store(): Store<T> {
    return this.#cache.store;
  }

  retryNow(): void {
    this.#cache.retryNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#scope.signal.aborted) {
      await this.#scope[Symbol.asyncDispose]();
      await this.#cache.leave(this);
    }
  }

  #untilDisposed<V>(source: Observable<V>): Observable<V> {
    return new Observable((subscriber) => {
      const { signal } = this.#scope;
      if (signal.aborted) {
        subscriber.complete();
        return;
      }
      const onAbort = (): void => subscriber.complete();
      signal.addEventListener('abort', onAbort, { once: true });
      subscriber.add(() => signal.removeEventListener('abort', onAbort));
      subscriber.add(source.subscribe(subscriber));
    });
  }
}
