import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Scope } from '../core/scope.ts';
import type { Informer, Informers } from '../cluster/informers.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import { apiVersionOf, groupKind, type Resource } from '../cluster/resource.ts';
import type { Delta, Store } from '../cluster/store.ts';
import { Deadline, unlessAborted } from './deadline.ts';
import { follow, type FollowOptions } from './follow.ts';
import { RetryableError } from './outcome.ts';
import type { Write } from './recording-client.ts';

/** How long a read waits for the first list of its kind. */
const SYNC_LIMIT = 30_000;
/** How long a key waits to see its own writes. A watch that is behind for longer has a problem that waiting does not solve. */
const OWN_WRITES_LIMIT = 5_000;

/** Tells kinds apart, as the server serves them. */
export function kindId(resource: Resource): string {
  return `${apiVersionOf(resource)}/${resource.plural}`;
}

export interface CachesOptions extends FollowOptions {
  informers: Informers;
  clock: Clock;
  /** Lets go of the caches when it ends. */
  scope: Scope;
  /** Told of every change of a kind that `store` was asked for. */
  onDelta: (resource: Resource, delta: Delta) => void;
}

/** The caches that one controller reads: opened on first use, held until the controller stops. */
export class Caches {
  readonly #options: CachesOptions;
  readonly #stores = new Map<string, Informer>();
  readonly #held = new Map<string, Informer[]>();

  constructor(options: CachesOptions) {
    this.#options = options;
  }

  /** An informer of the controller's own: its content counts for `settled`. */
  hold<T extends KubernetesObject>(
    resource: Resource<T>,
    selection: { namespace?: string; labelSelector?: string } = {},
  ): Informer<T> {
    const informer = this.#options.scope.use(this.#options.informers.informer(resource, selection));
    const id = kindId(resource);
    // Seen as a reader of objects of any kind; what it holds is decided by `resource` alone.
    const erased = informer as unknown as Informer;
    this.#held.set(id, [...(this.#held.get(id) ?? []), erased]);
    return informer;
  }

  /**
   * All objects of a kind, once there is a complete list of them. Rejects with K3S_CONTROLLER_CACHE when the server does not have the
   * kind or does not answer in time.
   */
  async store<T extends KubernetesObject>(resource: Resource<T>, signal: AbortSignal): Promise<Store<T>> {
    const informer = this.#open(resource);
    if (!informer.store.synced) await this.#synced(informer, signal);
    return informer.store as Store<T>;
  }

  /** Resolves when every held cache shows the writes, or when that takes too long; the answer tells which. */
  async settled(writes: readonly Write[], signal: AbortSignal): Promise<boolean> {
    const latest = new Map(writes.map((write) => [`${kindId(write.resource)} ${write.key}`, write]));
    using deadline = new Deadline(this.#options.clock, OWN_WRITES_LIMIT, signal, () => new Error('not seen in time'));
    const waits = [...latest.values()].flatMap((write) =>
      (this.#held.get(kindId(write.resource)) ?? [])
        .filter((informer) => informer.store.synced && selects(informer, write.key))
        .map((informer) => informer.store.waitForRevision(write.key, write.resourceVersion, deadline.signal)),
    );
    return (await Promise.allSettled(waits)).every((wait) => wait.status === 'fulfilled');
  }

  #open(resource: Resource): Informer {
    const id = kindId(resource);
    let informer = this.#stores.get(id);
    if (informer === undefined) {
      informer = this.hold(resource);
      this.#stores.set(id, informer);
      const { onDelta, scope } = this.#options;
      follow(
        `changes of ${groupKind(resource)}`,
        informer.deltas$,
        (delta) => onDelta(resource, delta),
        scope,
        this.#options,
      );
    }
    return informer;
  }

  async #synced(informer: Informer, signal: AbortSignal): Promise<void> {
    const kind = groupKind(informer.resource);
    const unusable = (why: string, cause?: unknown): RetryableError =>
      new RetryableError('K3S_CONTROLLER_CACHE', `${kind} cannot be read from the cache: ${why}`, {
        cause,
        fields: { kind },
      });
    using deadline = new Deadline(this.#options.clock, SYNC_LIMIT, signal, () =>
      unusable(`no complete list after ${SYNC_LIMIT / 1000} s`),
    );
    const unavailable = Promise.withResolvers<never>();
    const subscription = informer.health$.subscribe((health) => {
      if (health.state === 'unavailable') unavailable.reject(unusable(describeError(health.error), health.error));
    });
    try {
      await unlessAborted(Promise.race([informer.synced, unavailable.promise]), deadline.signal);
    } finally {
      subscription.unsubscribe();
    }
  }
}

/** Whether a cache would show the object: it never learns of what is outside of its namespace, and may not with a label selector. */
function selects(informer: Informer, key: string): boolean {
  const { namespace, labelSelector } = informer.selection;
  if (namespace !== undefined && !key.startsWith(`${namespace}/`)) return false;
  return labelSelector === undefined || informer.store.get(key) !== undefined;
}
