import { keyOf, type KubernetesObject, type ObjectRef } from './object.ts';
import type { ReflectorEvent } from './reflector-event.ts';
import type { Resource } from './resource.ts';
import { revisionOf } from './resource-version.ts';

/**
 * A change of a store's content. An object that was deleted and made again while nobody watched is a `deleted` followed by an
 * `added`, never an `updated`: objects are told apart by uid.
 */
export type Delta<T extends KubernetesObject = KubernetesObject> =
  /** `initial`: it was there when the reader came, as opposed to having been created since. */
  | { type: 'added'; key: string; object: T; initial: boolean }
  | { type: 'updated'; key: string; object: T; previous: T }
  | { type: 'deleted'; key: string; object: T };

/** A secondary index as a value. Its identity is the index's identity: define it once, at the top of a module. */
export interface Index<T extends KubernetesObject = KubernetesObject> {
  /** For messages only. */
  readonly name: string;
  /** The values under which an object is found; a pure function. */
  readonly values: (object: T) => readonly string[];
}

/**
 * The last known state of one kind (in one namespace, with one selector), read without asking the server.
 * Objects are shared by all readers and frozen outside of production; `managedFields` are dropped.
 */
export interface Store<T extends KubernetesObject = KubernetesObject> {
  readonly resource: Resource<T>;
  readonly size: number;
  /** Whether a complete list has been seen. Until then the store is empty. */
  readonly synced: boolean;
  /** The server's state that the content corresponds to, at least; '' before `synced`. */
  readonly resourceVersion: string;
  /** By reference or by `namespace/name`. */
  get(ref: ObjectRef | string): T | undefined;
  /** Everything, or what is in one namespace. In no particular order. */
  list(namespace?: string): T[];
  /** The first use of an index builds it, which visits every object; from then on it is kept up to date. */
  byIndex(index: Index<T>, value: string): T[];
  /**
   * Resolves once a read of `key` shows a write that the server answered with `resourceVersion`, or a later one, or that the
   * object is gone since. Rejects with the signal's reason when it aborts: an object outside of the store's selector is noticed
   * only with the next bookmark, so give a time limit.
   */
  waitForRevision(key: string, resourceVersion: string, signal?: AbortSignal): Promise<void>;
}

interface Waiter {
  revision: bigint;
  resolve: () => void;
}

const byNamespace: Index = { name: 'namespace', values: (object) => [object.metadata.namespace ?? ''] };

/** A store and the way to fill it; only its informer holds this side. */
export class ObjectStore<T extends KubernetesObject> implements Store<T> {
  readonly resource: Resource<T>;
  readonly #freeze: boolean;
  #objects = new Map<string, T>();
  #next: Map<string, T> | undefined;
  #revision = 0n;
  #synced = false;
  readonly #indexes = new Map<Index<T>, Map<string, Set<string>>>();
  readonly #waiters = new Map<string, Set<Waiter>>();

  constructor(resource: Resource<T>, options: { freeze?: boolean } = {}) {
    this.resource = resource;
    this.#freeze = options.freeze ?? process.env['NODE_ENV'] !== 'production';
  }

  get size(): number {
    return this.#objects.size;
  }

  get synced(): boolean {
    return this.#synced;
  }

  get resourceVersion(): string {
    return this.#synced ? this.#revision.toString() : '';
  }

  get(ref: ObjectRef | string): T | undefined {
    return this.#objects.get(typeof ref === 'string' ? ref : keyOf(ref));
  }

  list(namespace?: string): T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(byNamespace, namespace);
  }

  byIndex(index: Index<T>, value: string): T[] {
    const found: T[] = [];
    for (const key of this.#indexed(index).get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  waitForRevision(key: string, resourceVersion: string, signal?: AbortSignal): Promise<void> {
    const revision = revisionOf(resourceVersion);
    if (this.#shows(key, revision)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(key);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        revision,
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const waiters = this.#waiters.get(key) ?? new Set();
      this.#waiters.set(key, waiters.add(waiter));
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Takes one event of the reflector; returns what changed for readers. The object becomes the store's. */
  apply(event: ReflectorEvent<T>): Delta<T>[] {
    switch (event.type) {
      case 'Init':
        this.#next = new Map();
        break;
      case 'InitApply':
        this.#next?.set(keyOf(event.object), this.#take(event.object));
        break;
      case 'InitDone':
        return this.#swap(event.resourceVersion);
      case 'Apply':
        return this.#advanced(event.object.metadata.resourceVersion, this.#put(this.#take(event.object), false));
      case 'Delete':
        if (this.#next === undefined) {
          return this.#advanced(event.object.metadata.resourceVersion, this.#remove(keyOf(event.object)));
        }
        this.#next.delete(keyOf(event.object));
        break;
      case 'Bookmark':
        return this.#advanced(event.resourceVersion, []);
    }
    return [];
  }

  /** The content as deltas, for a reader who comes late. */
  replay(): Delta<T>[] {
    return Array.from(this.#objects, ([key, object]) => ({ type: 'added', key, object, initial: true }));
  }

  #swap(resourceVersion: string): Delta<T>[] {
    const next = this.#next ?? new Map<string, T>();
    const initial = !this.#synced;
    this.#next = undefined;
    this.#synced = true;
    const deltas: Delta<T>[] = [];
    for (const key of this.#objects.keys()) if (!next.has(key)) deltas.push(...this.#remove(key));
    for (const object of next.values()) deltas.push(...this.#put(object, initial));
    return this.#advanced(resourceVersion, deltas);
  }

  #put(object: T, initial: boolean): Delta<T>[] {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous !== undefined) {
      if (previous.metadata.uid !== object.metadata.uid) return [...this.#remove(key), ...this.#put(object, false)];
      // A relist brings back what is known already; keeping the old object keeps readers' identity checks cheap.
      if (previous.metadata.resourceVersion === object.metadata.resourceVersion) return [];
    }
    this.#objects.set(key, object);
    for (const [index, entries] of this.#indexes) reindex(index, entries, key, previous, object);
    return [
      previous === undefined ? { type: 'added', key, object, initial } : { type: 'updated', key, object, previous },
    ];
  }

  #remove(key: string): Delta<T>[] {
    const object = this.#objects.get(key);
    if (object === undefined) return [];
    this.#objects.delete(key);
    for (const [index, entries] of this.#indexes) reindex(index, entries, key, object, undefined);
    return [{ type: 'deleted', key, object }];
  }

  /** Events of one watch come in order, so having seen a revision means having seen everything before it, whatever its key. */
  #advanced(resourceVersion: string | undefined, deltas: Delta<T>[]): Delta<T>[] {
    const revision = revisionOf(resourceVersion);
    if (revision > this.#revision) this.#revision = revision;
    for (const [key, waiters] of this.#waiters) {
      for (const waiter of waiters) {
        if (!this.#shows(key, waiter.revision)) continue;
        waiters.delete(waiter);
        waiter.resolve();
      }
      if (waiters.size === 0) this.#waiters.delete(key);
    }
    return deltas;
  }

  #shows(key: string, revision: bigint): boolean {
    return (
      this.#synced &&
      (this.#revision >= revision || revisionOf(this.#objects.get(key)?.metadata.resourceVersion) >= revision)
    );
  }

  #indexed(index: Index<T>): Map<string, Set<string>> {
    let entries = this.#indexes.get(index);
    if (entries === undefined) {
      entries = new Map();
      for (const [key, object] of this.#objects) reindex(index, entries, key, undefined, object);
      this.#indexes.set(index, entries);
    }
    return entries;
  }

  #take(object: T): T {
    const { managedFields: _, ...metadata } = object.metadata;
    const kept = { ...object, metadata };
    return this.#freeze ? deepFreeze(kept) : kept;
  }
}

function reindex<T extends KubernetesObject>(
  index: Index<T>,
  entries: Map<string, Set<string>>,
  key: string,
  previous: T | undefined,
  object: T | undefined,
): void {
  for (const value of previous === undefined ? [] : index.values(previous)) {
    const keys = entries.get(value);
    if (keys?.delete(key) === true && keys.size === 0) entries.delete(value);
  }
  for (const value of object === undefined ? [] : index.values(object)) {
    const keys = entries.get(value);
    if (keys === undefined) entries.set(value, new Set([key]));
    else keys.add(key);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
