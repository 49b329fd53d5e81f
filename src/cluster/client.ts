import type { KubernetesObject, ObjectRef } from './object.ts';
import type { Resource } from './resource.ts';

/**
 * Access to one Kubernetes API server with one identity. Implemented over HTTP (`http-client.ts`) and, for tests, in memory
 * (`framework/testing`): controllers cannot tell which one they have.
 * Every method rejects with `ApiError` when the server answers with a failure, and with its signal's reason when aborted.
 */
export interface ClusterClient {
  /** Rejects with a NotFound ApiError when there is none. */
  get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, options?: RequestOptions): Promise<T>;
  /** One page. Without `limit`, everything. */
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /**
   * One watch request: ends when the server ends it, throws ApiError when it refuses. ERROR events are thrown as ApiError too.
   * Restarting is the reflector's work.
   */
  watch<T extends KubernetesObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** PUT; a stale `metadata.resourceVersion` is a Conflict. */
  replace<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Server-side apply. `object` holds only the fields that `fieldManager` wants to own. */
  apply<T extends KubernetesObject>(resource: Resource<T>, object: Applied<T>, options: ApplyOptions): Promise<T>;
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T>;
  /** Rejects with NotFound when there is none; returns when the server has accepted, which may be before the object is gone. */
  delete(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** The resource behind `apiVersion` and `kind` as the server knows it now, or undefined. Refreshes its knowledge on a miss. */
  resourceFor(apiVersion: string, kind: string): Promise<Resource | undefined>;
  /** Any other path (`/readyz`, `/version`, a sub-resource); the body as text. */
  raw(method: string, path: string, options?: RawOptions): Promise<{ status: number; body: string }>;
}

export interface RequestOptions {
  signal?: AbortSignal;
}

export interface ListOptions extends RequestOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions extends Omit<ListOptions, 'limit' | 'continue'> {
  allowWatchBookmarks?: boolean;
  sendInitialEvents?: boolean;
  timeoutSeconds?: number;
  /** Called once when the server has accepted the watch, which may be long before the first event. */
  onOpen?: () => void;
}

export interface ObjectList<T> {
  items: T[];
  resourceVersion: string;
  /** Present when there is another page. */
  continue?: string;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string; initialEventsEnd: boolean };

export interface WriteOptions extends RequestOptions {
  dryRun?: boolean;
  fieldManager?: string;
  /** `status`, `scale`, … */
  subresource?: string;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take over fields that other managers own; without it their ownership is a Conflict. */
  force?: boolean;
}

export interface DeleteOptions extends RequestOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface RawOptions extends RequestOptions {
  body?: unknown;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
}

export type Patch = { type: 'json'; body: readonly unknown[] } | { type: 'merge' | 'strategic'; body: unknown };

/** An object in which all but identity may be left out. */
export type Applied<T extends KubernetesObject> = DeepPartial<Omit<T, 'apiVersion' | 'kind' | 'metadata'>> &
  Pick<T, 'apiVersion' | 'kind'> & { metadata: T['metadata'] & { name: string } };

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: DeepPartial<T[Key]> }
    : T;
