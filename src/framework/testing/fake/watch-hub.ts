import type { WatchOptions } from '../../../cluster/client.ts';
import type { Resource } from '../../../cluster/resource.ts';
import type { Clock } from '../../../core/clock.ts';
import type { ApiServer } from './api-server.ts';
import { groupResource, invalid } from './failure.ts';
import type { Change } from './history.ts';
import { rendered } from './object-table.ts';
import { fieldMatcher, labelMatcher, type Matcher } from './selectors.ts';
import { WatchStream } from './watch-stream.ts';

const BOOKMARK_INTERVAL = 60_000;

interface Watcher {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly matches: Matcher;
  readonly stream: WatchStream;
}

/** The open watches: each commit goes to those that it concerns, in the order of commits. */
export class WatchHub {
  readonly #server: ApiServer;
  readonly #clock: Clock;
  readonly #watchers = new Set<Watcher>();
  readonly #holds = new Set<{ resource: Resource | undefined }>();

  constructor(server: ApiServer, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
    server.history.subscribe((change) => {
      for (const watcher of this.#watchers) this.#offer(watcher, change);
    });
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Throws a Failure where the server refuses. */
  open(resource: Resource, options: Omit<WatchOptions, 'signal'>): WatchStream {
    const kind = this.#server.kinds.served(resource);
    const { namespace, resourceVersion = '', sendInitialEvents = false } = options;
    if (sendInitialEvents && options.resourceVersionMatch !== 'NotOlderThan') {
      throw invalid({ group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' }, '', [
        {
          field: 'resourceVersionMatch',
          message: 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
        },
      ]);
    }
    if (sendInitialEvents) this.#server.history.refuseFuture(Number(resourceVersion));
    const inLabels = labelMatcher(options.labelSelector);
    const inFields = fieldMatcher(options.fieldSelector, groupResource(kind));
    const timers = new DisposableStack();
    const stream = new WatchStream();
    const watcher: Watcher = {
      resource,
      namespace,
      matches: (object) => inLabels(object) && inFields(object),
      stream,
    };
    const fromNow = resourceVersion === '' || resourceVersion === '0';
    if (fromNow || sendInitialEvents)
      this.#sendSnapshot(watcher, sendInitialEvents && options.allowWatchBookmarks === true);
    else
      for (const change of this.#server.history.since(Number(resourceVersion), kind.servedSince))
        this.#offer(watcher, change);
    this.#watchers.add(watcher);
    stream.ended.addEventListener('abort', () => {
      this.#watchers.delete(watcher);
      timers.dispose();
    });
    stream.hold(this.#isHeld(resource));
    if (options.allowWatchBookmarks === true) this.#keepBookmarking(watcher, timers);
    if (options.timeoutSeconds !== undefined)
      timers.use(this.#clock.timer(options.timeoutSeconds * 1000, () => stream.end()));
    return stream;
  }

  /** Ends the watches of a kind, or all. */
  drop(resource: Resource | undefined, failed?: { thrown: unknown }): void {
    for (const watcher of this.#watchers) if (concerns(resource, watcher.resource)) watcher.stream.end(failed);
  }

  /** Lets the watches of a kind, or all, fall silent until disposed. */
  hold(resource: Resource | undefined): Disposable {
    const hold = { resource };
    this.#holds.add(hold);
    this.#applyHolds();
    return {
      [Symbol.dispose]: () => {
        this.#holds.delete(hold);
        this.#applyHolds();
      },
    };
  }

  #applyHolds(): void {
    for (const { resource, stream } of this.#watchers) stream.hold(this.#isHeld(resource));
  }

  #isHeld(resource: Resource): boolean {
    return this.#holds.values().some((hold) => concerns(hold.resource, resource));
  }

  #sendSnapshot({ resource, namespace, matches, stream }: Watcher, announceEnd: boolean): void {
    const kind = this.#server.kinds.served(resource);
    for (const record of this.#server.objects.list(kind, namespace)) {
      if (matches(record.object)) stream.push({ type: 'ADDED', object: rendered(record, kind, resource.version) });
    }
    if (announceEnd)
      stream.push({ type: 'BOOKMARK', resourceVersion: String(this.#server.history.revision), initialEventsEnd: true });
  }

  /** An object that enters or leaves the selection by a change is added or deleted for this watch. */
  #offer({ resource, namespace, matches, stream }: Watcher, { kind, type, record, previous }: Change): void {
    if (groupResource(kind) !== groupResource(resource)) return;
    if (namespace !== undefined && record.object.metadata.namespace !== namespace) return;
    const was = previous !== undefined && matches(previous.object);
    const is = type !== 'DELETED' && matches(record.object);
    if (!was && !is) return;
    const object = rendered(record, kind, resource.version);
    stream.push({ type: is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', object });
  }

  #keepBookmarking({ stream }: Watcher, timers: DisposableStack): void {
    let timer: Disposable;
    const arm = (): void => {
      timer = this.#clock.timer(BOOKMARK_INTERVAL, () => {
        stream.push({
          type: 'BOOKMARK',
          resourceVersion: String(this.#server.history.revision),
          initialEventsEnd: false,
        });
        arm();
      });
    };
    arm();
    timers.defer(() => timer[Symbol.dispose]());
  }
}

function concerns(wanted: Resource | undefined, resource: Resource): boolean {
  return wanted === undefined || groupResource(wanted) === groupResource(resource);
}
