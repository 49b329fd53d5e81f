import type {
  Applied,
  ApplyOptions,
  ClusterClient,
  DeleteOptions,
  ListOptions,
  ObjectList,
  Patch,
  RawOptions,
  RequestOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../cluster/client.ts';
import { keyOf, type KubernetesObject, type ObjectRef } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';

/** A write that the server has answered: caches show it once they have reached this version. */
export interface Write {
  readonly resource: Resource;
  readonly key: string;
  readonly resourceVersion: string;
}

/**
 * A run's view of the cluster: requests carry the run's signal and field manager unless they bring their own, and what was written is
 * remembered.
 * Deletions answer no version and are not remembered.
 */
export class RecordingClient implements ClusterClient {
  readonly #client: ClusterClient;
  readonly #signal: AbortSignal;
  readonly #fieldManager: string;
  readonly #writes: Write[];

  constructor(client: ClusterClient, run: { signal: AbortSignal; fieldManager: string; writes: Write[] }) {
    this.#client = client;
    this.#signal = run.signal;
    this.#fieldManager = run.fieldManager;
    this.#writes = run.writes;
  }

  get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, options?: RequestOptions): Promise<T> {
    return this.#client.get(resource, ref, this.#bound(options));
  }

  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>> {
    return this.#client.list(resource, this.#bound(options));
  }

  watch<T extends KubernetesObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#client.watch(resource, this.#bound(options));
  }

  create<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.#recorded(resource, options, this.#client.create(resource, object, this.#named(options)));
  }

  replace<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.#recorded(resource, options, this.#client.replace(resource, object, this.#named(options)));
  }

  apply<T extends KubernetesObject>(resource: Resource<T>, object: Applied<T>, options: ApplyOptions): Promise<T> {
    return this.#recorded(resource, options, this.#client.apply(resource, object, this.#bound(options)));
  }

  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T> {
    return this.#recorded(resource, options, this.#client.patch(resource, ref, patch, this.#named(options)));
  }

  delete(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<void> {
    return this.#client.delete(resource, ref, this.#bound(options));
  }

  resourceFor(apiVersion: string, kind: string): Promise<Resource | undefined> {
    return this.#client.resourceFor(apiVersion, kind);
  }

  raw(method: string, path: string, options?: RawOptions): Promise<{ status: number; body: string }> {
    return this.#client.raw(method, path, this.#bound(options));
  }

  #bound<O extends RequestOptions>(options: O | undefined): O & RequestOptions {
    return { signal: this.#signal, ...(options as O) };
  }

  #named(options: WriteOptions | undefined): WriteOptions {
    return { fieldManager: this.#fieldManager, ...this.#bound(options) };
  }

  async #recorded<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WriteOptions | undefined,
    write: Promise<T>,
  ): Promise<T> {
    const object = await write;
    const { resourceVersion } = object.metadata;
    if (options?.dryRun !== true && resourceVersion !== undefined) {
      this.#writes.push({ resource, key: keyOf(object), resourceVersion });
    }
    return object;
  }
}
