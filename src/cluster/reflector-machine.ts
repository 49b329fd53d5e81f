import type { Random } from '../core/random.ts';
import { ApiError, isForbidden, isGone, isNotFound } from './api-error.ts';
import { Backoff } from './backoff.ts';
import type { ListOptions, ObjectList, WatchEvent, WatchOptions } from './client.ts';
import type { KubernetesObject } from './object.ts';
import type { ReflectorEvent } from './reflector-event.ts';

/** What the reflector should do next. Times are in milliseconds. */
export type ReflectorAction =
  | { type: 'list'; options: ListOptions; limit: number }
  /** `limit`: after so long the connection is dead, whatever it sent; `idleLimit` says how long it may be silent. */
  | { type: 'watch'; options: WatchOptions; limit: number }
  | { type: 'wait'; delay: number; error: unknown; unavailable: boolean };

const PAGE = 500;
/** The API server sends a bookmark about once a minute. */
const QUIET = 70_000;
/** For servers that accept `sendInitialEvents` and never say that the initial events have ended. */
const INITIAL_QUIET = 20_000;
const LIST_LIMIT = 60_000;
/** A watch that ends sooner than this and brought nothing counts as a failure, or its repetition would be a busy loop. */
const SHORT_WATCH = 1_000;
/** For kinds that the server does not have or refuses: the first questions come soon, because it may just be starting. */
const SLOW_POLL = { first: 1_000, last: 30_000 };

/**
 * Decides how to keep a set of objects up to date: which requests to send, what their answers mean for the store, and how long
 * to wait after failures. It does no I/O and reads no clock; `now` is monotonic time in milliseconds.
 *
 * A snapshot is taken by one streaming watch, or by a paged list where the server does not do that; then a watch follows from
 * the snapshot's resource version. Only 410 (or a removed kind) gives that version up: any other failure resumes from it, so that
 * a restarting server is not met by all of its clients listing at once.
 */
export class ReflectorMachine<T extends KubernetesObject> {
  readonly #random: Random;
  readonly #backoff: Backoff;
  #resumeFrom: string | undefined;
  #paging = false;
  #streamingRefused = false;
  #continue: string | undefined;
  #building = false;
  #refusals = 0;
  #openedAt: number | undefined;
  #received = false;
  #wait: Extract<ReflectorAction, { type: 'wait' }> | undefined;

  constructor(random: Random) {
    this.#random = random;
    this.#backoff = new Backoff({ base: 800, cap: 30_000, resetAfter: 120_000 }, random);
  }

  /** Failures in a row, for deciding how loudly to speak of them. */
  get failures(): number {
    return this.#backoff.failures;
  }

  next(): ReflectorAction {
    const wait = this.#wait;
    if (wait !== undefined) {
      this.#wait = undefined;
      return wait;
    }
    this.#received = false;
    this.#openedAt = undefined;
    if (this.#resumeFrom === undefined && (this.#paging || this.#streamingRefused)) {
      const options = this.#continue === undefined ? { limit: PAGE } : { limit: PAGE, continue: this.#continue };
      return { type: 'list', options, limit: LIST_LIMIT };
    }
    // Spread over five to ten minutes, so that watches opened together do not end together.
    const timeoutSeconds = 300 + Math.floor(this.#random.next() * 300);
    const limit = timeoutSeconds * 1_000 + 5_000;
    const common = { allowWatchBookmarks: true, timeoutSeconds };
    if (this.#resumeFrom !== undefined) {
      return { type: 'watch', options: { ...common, resourceVersion: this.#resumeFrom }, limit };
    }
    return {
      type: 'watch',
      options: { ...common, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', resourceVersion: '' },
      limit,
    };
  }

  /** How long a watch may be silent now: while a snapshot comes in, less than in a set that nobody changes. */
  get idleLimit(): number {
    return this.#resumeFrom === undefined ? INITIAL_QUIET : QUIET;
  }

  /** The server has accepted a watch. */
  opened(now: number): void {
    this.#openedAt = now;
    this.#succeeded(now);
  }

  watchEvent(event: WatchEvent<T>, now: number): ReflectorEvent<T>[] {
    this.#received = true;
    this.#openedAt ??= now;
    this.#succeeded(now);
    if (this.#resumeFrom === undefined) return this.#initialEvent(event);
    if (event.type === 'BOOKMARK') {
      this.#resumeFrom = event.resourceVersion;
      return [{ type: 'Bookmark', resourceVersion: event.resourceVersion }];
    }
    this.#resumeFrom = event.object.metadata.resourceVersion ?? this.#resumeFrom;
    return [{ type: event.type === 'DELETED' ? 'Delete' : 'Apply', object: event.object }];
  }

  page(list: ObjectList<T>, now: number): ReflectorEvent<T>[] {
    this.#succeeded(now);
    const events = this.#begin();
    for (const object of list.items) events.push({ type: 'InitApply', object });
    this.#continue = list.continue;
    if (list.continue === undefined) events.push(this.#snapshotDone(list.resourceVersion));
    return events;
  }

  /** A watch ended without an error: the server closed it, or nothing came for too long and it was given up. */
  ended(how: 'closed' | 'stalled', now: number): void {
    if (this.#openedAt === undefined) {
      this.#waitFor(this.#backoff.failed(now), new Error('the API server did not answer to the watch'));
    } else if (this.#resumeFrom === undefined) {
      this.#fallBack();
    } else if (how === 'closed' && !this.#received && now - this.#openedAt < SHORT_WATCH) {
      this.#waitFor(this.#backoff.failed(now), new Error('the API server ended the watch at once'));
    }
  }

  failed(error: unknown, now: number): void {
    if (isNotFound(error) || isForbidden(error)) {
      if (isNotFound(error)) this.#startOver();
      const bound = Math.min(SLOW_POLL.last, SLOW_POLL.first * 2 ** Math.min(this.#refusals++, 30));
      this.#waitFor(bound * (0.5 + this.#random.next() / 2), error, true);
      return;
    }
    const streaming = this.#resumeFrom === undefined && !this.#paging && !this.#streamingRefused;
    if (streaming && error instanceof ApiError) {
      this.#fallBack();
      if (error.status === 400 || error.status === 422) {
        this.#streamingRefused = true;
        return;
      }
    }
    const delay = this.#backoff.failed(now);
    if (isGone(error)) {
      this.#startOver();
      // The first one is no fault of anybody: the version has merely grown old.
      if (this.#backoff.failures === 1) return;
    }
    const retryAfter = error instanceof ApiError ? (error.retryAfter ?? 0) : 0;
    this.#waitFor(Math.max(delay, retryAfter), error);
  }

  #initialEvent(event: WatchEvent<T>): ReflectorEvent<T>[] {
    const events = this.#begin();
    // Initial events are not ordered by resource version: none of them is a place to resume from.
    if (event.type === 'DELETED') events.push({ type: 'Delete', object: event.object });
    else if (event.type !== 'BOOKMARK') events.push({ type: 'InitApply', object: event.object });
    else if (event.initialEventsEnd) events.push(this.#snapshotDone(event.resourceVersion));
    return events;
  }

  #begin(): ReflectorEvent<T>[] {
    if (this.#building) return [];
    this.#building = true;
    return [{ type: 'Init' }];
  }

  #snapshotDone(resourceVersion: string): ReflectorEvent<T> {
    this.#startOver();
    this.#paging = false;
    this.#resumeFrom = resourceVersion;
    return { type: 'InitDone', resourceVersion };
  }

  #fallBack(): void {
    this.#startOver();
    this.#paging = true;
  }

  #startOver(): void {
    this.#resumeFrom = undefined;
    this.#continue = undefined;
    this.#building = false;
  }

  #succeeded(now: number): void {
    this.#refusals = 0;
    this.#backoff.succeeded(now);
  }

  #waitFor(delay: number, error: unknown, unavailable = false): void {
    this.#wait = { type: 'wait', delay, error, unavailable };
  }
}
