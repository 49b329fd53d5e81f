import type { Observable } from 'rxjs';
import { K3sError } from '../core/errors.ts';
import type { KubernetesObject, ObjectRef } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import type { ReconcileContext, SourceContext } from './context.ts';
import type { Outcome } from './outcome.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry-policy.ts';
import type { EveryKey, Source } from './source.ts';

const MINUTE = 60_000;

/** A change of a cached object. `previous` is there for an update. */
export interface Change<T extends KubernetesObject = KubernetesObject> {
  readonly type: 'added' | 'updated' | 'deleted';
  readonly object: T;
  readonly previous: T | undefined;
}

/** Another kind whose changes queue keys of the controller. Made by `watches`. */
export interface WatchedKind<T extends KubernetesObject = KubernetesObject> {
  readonly resource: Resource<T>;
  /** For an update it is asked about both the old and the new object. */
  map(object: T): Iterable<ObjectRef | string | EveryKey>;
  predicate?(change: Change<T>): boolean;
}

export function watches<T extends KubernetesObject>(
  resource: Resource<T>,
  map: (object: T) => Iterable<ObjectRef | string | EveryKey>,
  options: { predicate?: (change: Change<T>) => boolean } = {},
): WatchedKind<T> {
  return { resource, map, ...options };
}

/** What controllers of both kinds say of themselves. */
export interface CommonDefinition<Deps> {
  /** Unique in a manager; lower-case words joined by `-`. Also the field manager of what the controller writes. */
  readonly name: string;
  readonly watches?: readonly WatchedKind[];
  /** Whatever else should run a key: each value queues that key. */
  triggers?(deps: Deps): Observable<ObjectRef | string | EveryKey>;
  /** Keys that run at the same time; one key never runs twice at once. Default 1. */
  readonly concurrency?: number;
  /** A run's signal aborts after so many ms, and the run counts as failed. Default 5 min. */
  readonly timeout?: number;
  /** A key that nothing else runs is run after so many ms ± 10 %. Default 10 h. */
  readonly resync?: number;
  /** Default 200 ms to 5 min. */
  readonly retry?: RetryPolicy;
}

export interface ControllerDefinition<T extends KubernetesObject, Deps> extends CommonDefinition<Deps> {
  readonly for: Resource<T>;
  /** Kinds that the controller creates: a change of such an object queues its owner (by owner reference or by apply set). */
  readonly owns?: readonly Resource[];
  /** Which changes of the primary kind matter. Default: all. The first sight of each object always counts. */
  predicate?(change: Change<T>): boolean;
  /** Only primaries of this namespace. */
  readonly namespace?: string;
  /** Only primaries with these labels; a label selector as in `kubectl -l`. */
  readonly selector?: string;
  /** Put on each primary before its first reconcile; with it, deletion waits for `cleanup`. */
  readonly finalizer?: string;
  /** Where the kinds of an apply set are recorded on the primary. Default `objectset.rio.cattle.io/group-kinds`. */
  readonly groupKindsAnnotation?: string;
  /** Makes the world as `object` wants it. Not called for an object that is being deleted. */
  reconcile(ctx: ReconcileContext<Deps, T>, object: T): Promise<Outcome>;
  /** Undoes it. The finalizer goes when the outcome is `done()`. */
  cleanup?(ctx: ReconcileContext<Deps, T>, object: T): Promise<Outcome>;
}

export interface SourceControllerDefinition<T, Deps> extends CommonDefinition<Deps> {
  source(deps: Deps): Source<T>;
  reconcile(ctx: SourceContext<Deps>, state: T): Promise<Outcome>;
  /** A key that was queued but no longer exists in the source. */
  gone?(ctx: SourceContext<Deps>): Promise<Outcome>;
}

/** A controller as a value: nothing happens until a manager runs it. */
export type Controller<Deps> =
  | {
      readonly type: 'resource';
      readonly name: string;
      readonly definition: ControllerDefinition<KubernetesObject, Deps>;
    }
  | { readonly type: 'source'; readonly name: string; readonly definition: SourceControllerDefinition<unknown, Deps> };

/** Throws K3S_CONTROLLER_DEFINITION when the definition contradicts itself. */
export function defineController<T extends KubernetesObject, Deps = void>(
  definition: ControllerDefinition<T, Deps>,
): Controller<Deps> {
  check(definition);
  if ((definition.finalizer === undefined) !== (definition.cleanup === undefined)) {
    throw invalid(definition.name, 'finalizer and cleanup go together: give both or neither');
  }
  // Methods are bivariant: the runner hands `reconcile` only objects that came from `definition.for`.
  return { type: 'resource', name: definition.name, definition };
}

/** Throws K3S_CONTROLLER_DEFINITION when the definition contradicts itself. */
export function defineSourceController<T, Deps = void>(
  definition: SourceControllerDefinition<T, Deps>,
): Controller<Deps> {
  check(definition);
  return { type: 'source', name: definition.name, definition };
}

/** The part of a definition that says how to run it, complete. */
export interface ControllerSettings {
  readonly name: string;
  readonly concurrency: number;
  readonly timeout: number;
  readonly resync: number;
  readonly retry: RetryPolicy;
}

export function settingsOf(definition: CommonDefinition<never>): ControllerSettings {
  const { name, concurrency = 1, timeout = 5 * MINUTE, resync = 600 * MINUTE, retry = defaultRetryPolicy } = definition;
  return { name, concurrency, timeout, resync, retry };
}

function check(definition: CommonDefinition<never>): void {
  const { name, concurrency, timeout, resync, retry } = definition;
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
    throw invalid(name, 'the name must be lower-case words joined by "-"');
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0)) {
    throw invalid(name, 'concurrency must be a positive whole number');
  }
  if (timeout !== undefined && !(timeout > 0)) throw invalid(name, 'timeout must be positive');
  if (resync !== undefined && !(resync > 0)) throw invalid(name, 'resync must be positive');
  if (retry !== undefined && !(retry.first > 0 && retry.longest >= retry.first)) {
    throw invalid(name, 'retry needs 0 < first ≤ longest');
  }
}

function invalid(name: string, problem: string): K3sError {
  return new K3sError('K3S_CONTROLLER_DEFINITION', `controller "${name}": ${problem}`, {
    fields: { controller: name },
  });
}
