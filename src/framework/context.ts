import type { Clock } from '../core/clock.ts';
import type { K3sError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { ClusterClient } from '../cluster/client.ts';
import type { KubernetesObject, ObjectRef } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import type { Cause } from './cause.ts';

/** What a run of a source controller is given. */
export interface SourceContext<Deps> {
  readonly key: string;
  /** Aborts when the run's time is up or the manager stops hard. Requests made through the context carry it. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Bound to the controller and the key. */
  readonly log: Logger;
  readonly deps: Deps;
  /** Back-offs of this key since its last success; 0 in a first run. */
  readonly attempt: number;
  /** Why this run happens; the latest few. */
  readonly causes: readonly Cause[];
  /**
   * The cluster, uncached. What is written through it is waited for: the key does not run again before the caches that the
   * controller reads have seen the write.
   */
  readonly client: ClusterClient;
  /**
   * An object from the cache, or undefined. Tracked: the key runs again when the object appears, changes or vanishes. What was
   * read by one run counts until the next. The first read of a kind starts its cache; it rejects with K3S_CONTROLLER_CACHE when
   * the kind cannot be listed in time.
   */
  read<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined>;
  /** Objects from the cache, tracked like `read`, those that do not exist yet included. */
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ReadListOptions): Promise<T[]>;
  /** An object from the server, not tracked: for decisions that a stale cache must not make. */
  readLive<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined>;
  /** Server-side apply of each object under the controller's name. */
  apply(objects: Iterable<KubernetesObject>, options?: ApplyObjectsOptions): Promise<AppliedObjects>;
  /** Reports to people, as an Event. Repetitions become a series. Does not wait. */
  event(type: EventType, reason: string, message: string, regarding: KubernetesObject): void;
}

/** What a run for a Kubernetes object is given. */
export interface ReconcileContext<Deps, T extends KubernetesObject = KubernetesObject> extends SourceContext<Deps> {
  /** Cached objects of a kind that belong to this primary: by controller reference or by apply set. Tracked. */
  owned<O extends KubernetesObject>(resource: Resource<O>): Promise<O[]>;
  /**
   * Applies a set of objects that belong to this primary, and deletes what belonged to the set before and is not in it now.
   * An object that cannot be applied does not stop the others: see `AppliedSet.failures`. Rejects only when the set as a whole
   * cannot be worked on (the record of its kinds cannot be written, the run is aborted).
   */
  apply(objects: Iterable<KubernetesObject>, options?: ApplySetOptions): Promise<AppliedSet>;
  /** Merges into `status` by a merge patch of the status sub-resource; no request when that changes nothing. */
  patchStatus(status: StatusOf<T>): Promise<void>;
  /**
   * Sets a condition of `status.conditions`, written with the next `patchStatus` or when the run ends: well or badly, unless its time
   * was up.
   */
  condition(type: string, status: ConditionStatus, reason: string, message: string): void;
  /** As for sources; regarding the primary unless told otherwise. */
  event(type: EventType, reason: string, message: string, regarding?: KubernetesObject): void;
}

export interface ReadListOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  /** All of these labels, with these values. */
  labels?: Readonly<Record<string, string>>;
}

export interface ApplyObjectsOptions {
  /** Ask the server what would happen. */
  dryRun?: boolean;
  /** Take over fields that others manage. Default true. */
  force?: boolean;
  /** For objects of namespaced kinds that name none. */
  defaultNamespace?: string;
}

export interface ApplySetOptions extends ApplyObjectsOptions {
  /** Tells several sets of one primary apart. Default ''. */
  set?: string;
  /** Default true. */
  prune?: boolean;
  /** Take existing objects that belong to nobody or to another set into this one. Default false: that is an error of the object. */
  adopt?: boolean;
  /** Delete and create again what cannot be changed in place (a Deployment's selector, a Job's template). Default false. */
  recreate?: boolean;
  /** Also make the primary the controller reference of objects in its namespace. Default false. */
  ownerReference?: boolean;
}

export type ApplyAction = 'created' | 'updated' | 'unchanged' | 'recreated';

export type ApplyResult =
  | { readonly desired: KubernetesObject; readonly action: ApplyAction; readonly live: KubernetesObject }
  | { readonly desired: KubernetesObject; readonly action: 'failed'; readonly error: K3sError };

export interface ApplyFailure {
  readonly object: ObjectIdentity;
  readonly error: K3sError;
}

export interface ObjectIdentity extends ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface AppliedObjects {
  /** In the order given. */
  readonly results: readonly ApplyResult[];
  /** What could not be applied or pruned. */
  readonly failures: readonly ApplyFailure[];
  /** The live object behind a desired one (the same value as was given); undefined when it failed. */
  get<T extends KubernetesObject>(desired: T): T | undefined;
  /** Throws a RetryableError K3S_APPLY_INCOMPLETE that names every failure, when there is one. */
  throwIfFailed(): void;
}

export interface AppliedSet extends AppliedObjects {
  /** What was deleted, or would be. */
  readonly pruned: readonly ObjectIdentity[];
}

export type EventType = 'Normal' | 'Warning';
export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** `metav1.Condition`. */
export interface Condition {
  type: string;
  status: ConditionStatus;
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** The part of a status to merge; a value of null removes the field. */
export type StatusOf<T> = T extends { status?: infer Status }
  ? { [Key in keyof Status]?: Status[Key] | null }
  : Record<string, unknown>;
