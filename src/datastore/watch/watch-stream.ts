import type { Random } from '../../core/random.ts';
import { isEmpty, keyRange } from '../mvcc/key-range.ts';
import type { Store } from '../mvcc/store.ts';
import { compacted, corrupt } from '../wire/etcd-errors.ts';
import { WatchFilter, WatchRequest, type WatchCreateRequest } from '../wire/messages/watch.ts';
import { RpcError } from '../wire/status.ts';
import type { StreamHandler, StreamPeer } from '../wire/transport.ts';
import type { WatchHub } from './hub.ts';
import { collectHistory } from './history.ts';
import type { ControlResponse, ResponseEncoder } from './response-encoder.ts';
import type { WatchedEvent } from './watched-event.ts';
import { Watcher, type WatcherOwner } from './watcher.ts';

/** What stands for "no watch" and for "all watches of the stream". */
const INVALID_WATCH_ID = -1;

export interface WatchStreamOptions {
  store: Store;
  hub: WatchHub;
  random: Random;
  encoder: ResponseEncoder;
  /** Between notifications of progress to a watch without events, in milliseconds. */
  progressInterval: number;
}

/**
 * One Watch call with all its watches.
 *
 * What the client has not taken yet is bounded: when the stream says that it holds enough, watches stop at the revision that they
 * have reached and go on from the history when it is drained. So a slow client costs neither memory nor events.
 */
export class WatchStream implements StreamHandler, WatcherOwner {
  readonly #options: WatchStreamOptions;
  readonly #peer: StreamPeer;
  readonly #watchers = new Map<number, Watcher>();
  readonly #behind = new Set<Watcher>();
  #nextId = 0;
  #writable = true;
  #progressRequested = false;
  #catchingUp = false;
  #closed = false;
  #ticker: Disposable | undefined;

  constructor(peer: StreamPeer, options: WatchStreamOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  received(message: Buffer): void {
    const { create, cancel, progress } = WatchRequest.decode(message);
    if (create !== undefined) this.#create(create);
    else if (cancel !== undefined) this.#cancel(cancel.watchId);
    else if (progress !== undefined) this.#requestProgress();
  }

  finished(): void {
    this.#peer.end();
  }

  drained(): void {
    this.#writable = true;
    this.#guard(() => this.#catchUp());
  }

  closed(): void {
    this.#closed = true;
    this.#ticker?.[Symbol.dispose]();
    for (const watcher of this.#watchers.values()) this.#options.hub.remove(watcher);
    this.#watchers.clear();
    this.#behind.clear();
  }

  deliver(watcher: Watcher): void {
    const events = watcher.pending;
    watcher.pending = [];
    const [first] = events;
    if (first === undefined) return;
    if (!this.#writable) {
      watcher.behindFrom = first.change.revision;
      this.#behind.add(watcher);
      return;
    }
    this.#guard(() => this.#sendEvents(watcher, events));
  }

  #create(request: WatchCreateRequest): void {
    const { store, hub } = this.#options;
    const { startRevision } = request;
    // An empty key stands for the smallest one.
    const range = keyRange(request.key === '' ? '\0' : request.key, request.rangeEnd);
    const refusal = this.#refusal(request, isEmpty(range));
    if (refusal !== undefined) {
      this.#send({ watchId: INVALID_WATCH_ID, created: true, canceled: true, cancelReason: refusal });
      return;
    }
    const watcher = new Watcher(this, {
      id: request.watchId === 0 ? this.#freeId() : request.watchId,
      range,
      startRevision,
      withPrevious: request.prevKv,
      progressNotify: request.progressNotify,
      noPuts: request.filters.includes(WatchFilter.NOPUT),
      noDeletes: request.filters.includes(WatchFilter.NODELETE),
      fragment: request.fragment,
    });
    this.#watchers.set(watcher.options.id, watcher);
    hub.add(watcher);
    this.#send({ watchId: watcher.options.id, created: true });
    if (request.progressNotify) this.#startTicker();
    if (startRevision === 0 || startRevision > store.revision) return;
    watcher.behindFrom = startRevision;
    this.#behind.add(watcher);
    this.#catchUp();
  }

  /** Why a watch cannot be created, in etcd's words. */
  #refusal(request: WatchCreateRequest, rangeIsEmpty: boolean): string | undefined {
    if (request.startRevision < 0) return compacted().message;
    if (rangeIsEmpty) return 'mvcc: watcher range is empty';
    if (request.watchId === 0 || !this.#watchers.has(request.watchId)) return undefined;
    return 'mvcc: duplicate watch ID provided on the WatchStream';
  }

  #freeId(): number {
    while (this.#watchers.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #cancel(id: number): void {
    const watcher = this.#watchers.get(id);
    if (watcher === undefined) return;
    this.#remove(watcher);
    this.#send({ watchId: id, canceled: true });
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher.options.id);
    this.#behind.delete(watcher);
    this.#options.hub.remove(watcher);
  }

  /** Sends history to the watches that are behind, as much as the client takes; yields to other work between pieces. */
  #catchUp(): void {
    for (const watcher of this.#behind) {
      if (!this.#writable) return;
      if (this.#advance(watcher)) continue;
      if (!this.#catchingUp) {
        this.#catchingUp = true;
        setImmediate(() => {
          this.#catchingUp = false;
          if (!this.#closed) this.#guard(() => this.#catchUp());
        });
      }
      return;
    }
    if (this.#progressRequested) this.#requestProgress();
  }

  /** Sends one piece of history; returns whether the watch is done with catching up. */
  #advance(watcher: Watcher): boolean {
    const { store } = this.#options;
    const from = watcher.behindFrom ?? store.revision + 1;
    if (from < store.compactRevision) {
      this.#remove(watcher);
      this.#send({
        watchId: watcher.options.id,
        canceled: true,
        compactRevision: store.compactRevision,
        cancelReason: compacted().message,
      });
      return true;
    }
    const { events, next } = collectHistory(store, watcher, from);
    watcher.behindFrom = next;
    if (next === undefined) this.#behind.delete(watcher);
    if (events.length > 0) this.#sendEvents(watcher, events);
    return next === undefined;
  }

  /**
   * Answers when every watch has been sent all events up to the revision that is reported: at once, or when the last one has
   * caught up. The order on the stream does the rest.
   */
  #requestProgress(): void {
    const { revision } = this.#options.store;
    this.#progressRequested = this.#behind.size > 0 || !this.#writable;
    if (this.#progressRequested || this.#watchers.size === 0) return;
    // A watch that starts in the future must not be told that it has got to an earlier revision.
    for (const watcher of this.#watchers.values()) if (watcher.options.startRevision > revision) return;
    this.#send({ watchId: INVALID_WATCH_ID });
  }

  #startTicker(): void {
    if (this.#ticker !== undefined) return;
    const { random, progressInterval, store } = this.#options;
    // Clients that restart open all their watches at once; their notifications should not all fall due together.
    const delay = progressInterval * (1 + random.next() / 10);
    this.#ticker = store.clock.timer(delay, () => {
      this.#ticker = undefined;
      this.#startTicker();
      this.#notifyProgress();
    });
  }

  #notifyProgress(): void {
    const { revision } = this.#options.store;
    for (const watcher of this.#watchers.values()) {
      if (!watcher.options.progressNotify) continue;
      const reached = this.#writable && watcher.behindFrom === undefined && watcher.options.startRevision <= revision;
      if (watcher.quiet && reached) this.#send({ watchId: watcher.options.id });
      watcher.quiet = true;
    }
  }

  #sendEvents(watcher: Watcher, events: readonly WatchedEvent[]): void {
    watcher.quiet = false;
    const { encoder, store } = this.#options;
    for (const frame of encoder.events(watcher.options, events, store.revision)) this.#write(frame);
  }

  /** Where a value cannot be read, the stream ends: it must neither skip an event nor take others with it. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#peer.end(error instanceof RpcError ? error : corrupt());
    }
  }

  #send(response: ControlResponse): void {
    this.#write(this.#options.encoder.control(response, this.#options.store.revision));
  }

  #write(frame: Buffer): void {
    if (!this.#peer.send(frame)) this.#writable = false;
  }
}
