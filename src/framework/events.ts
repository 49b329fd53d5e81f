import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { isNotFound } from '../cluster/api-error.ts';
import type { ClusterClient } from '../cluster/client.ts';
import { Events, type Event } from '../cluster/kinds.ts';
import type { KubernetesObject, ObjectRef } from '../cluster/object.ts';
import type { EventType } from './context.ts';
import { Deadline } from './deadline.ts';

export interface Occurrence {
  readonly controller: string;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly regarding: KubernetesObject;
}

/** Reports to people. Never throws and does not wait. */
export interface EventRecorder {
  record(occurrence: Occurrence): void;
}

/** The same occurrence within so long of the last one continues its series. */
const SERIES_WINDOW = 6 * 60_000;
/** A series is written at most this often. */
const SERIES_INTERVAL = 60_000;
const WRITE_LIMIT = 10_000;
/** While the server does not answer, so many writes wait; more are dropped. */
const MOST_PENDING = 500;
const LONGEST_NOTE = 1024;

interface Series {
  readonly ref: ObjectRef;
  readonly first: Event;
  count: number;
  lastSeen: number;
  lastWritten: number;
  timer: Disposable | undefined;
}

/** Writes Events one after another in the background; repetitions become a series of the first one. */
export class EventWriter implements EventRecorder, AsyncDisposable {
  readonly #options: { client: ClusterClient; clock: Clock; log: Logger; instance: string };
  /** In order of the last occurrence. */
  readonly #series = new Map<string, Series>();
  #writes: Promise<void> = Promise.resolve();
  #pending = 0;
  #sequence = 0;

  constructor(options: { client: ClusterClient; clock: Clock; log: Logger; instance: string }) {
    this.#options = options;
  }

  record(occurrence: Occurrence): void {
    const now = this.#options.clock.monotonic();
    this.#forgetBefore(now - SERIES_WINDOW);
    const { controller, type, reason, message, regarding } = occurrence;
    const { uid, namespace, name } = regarding.metadata;
    const id = JSON.stringify([controller, type, reason, message, regarding.kind, uid, namespace, name]);
    const series = this.#series.get(id) ?? this.#begin(occurrence);
    this.#series.delete(id);
    this.#series.set(id, series);
    series.count++;
    series.lastSeen = now;
    if (series.count === 1) this.#write(series);
    else if (series.timer === undefined) {
      const wait = series.lastWritten + SERIES_INTERVAL - now;
      series.timer = this.#options.clock.timer(wait, () => this.#write(series));
    }
  }

  /** Writes what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const series of this.#series.values()) if (series.timer !== undefined) this.#write(series);
    this.#series.clear();
    await this.#writes;
  }

  #forgetBefore(time: number): void {
    for (const [id, series] of this.#series) {
      if (series.lastSeen >= time) return;
      this.#series.delete(id);
    }
  }

  #begin(occurrence: Occurrence): Series {
    const first = this.#eventOf(occurrence);
    const { namespace = 'default', name = '' } = first.metadata;
    return { ref: { namespace, name }, first, count: 0, lastSeen: 0, lastWritten: 0, timer: undefined };
  }

  #eventOf({ controller, type, reason, message, regarding }: Occurrence): Event {
    const { clock, instance } = this.#options;
    const now = clock.now();
    const { namespace = 'default', name = '' } = regarding.metadata;
    const unique = BigInt(Math.floor(now)) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000);
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name: `${subdomain(name)}.${unique.toString(16)}` },
      eventTime: microTime(now),
      reportingController: controller,
      reportingInstance: instance,
      action: 'Reconcile',
      reason,
      note: message.length > LONGEST_NOTE ? `${message.slice(0, LONGEST_NOTE - 1)}…` : message,
      type,
      regarding: referenceTo(regarding),
    };
  }

  #write(series: Series): void {
    series.timer?.[Symbol.dispose]();
    series.timer = undefined;
    series.lastWritten = this.#options.clock.monotonic();
    if (this.#pending >= MOST_PENDING) return;
    this.#pending++;
    const { count } = series;
    this.#writes = this.#writes.then(async () => {
      try {
        await this.#send(series, count);
      } catch (error) {
        this.#options.log.debug('an event could not be written', { reason: series.first.reason, error });
      }
      this.#pending--;
    });
  }

  async #send(series: Series, count: number): Promise<void> {
    const { client, clock } = this.#options;
    using deadline = new Deadline(clock, WRITE_LIMIT, undefined, () => new Error(`no answer in ${WRITE_LIMIT} ms`));
    const { signal } = deadline;
    if (count === 1) {
      await client.create(Events, series.first, { signal });
      return;
    }
    const tally = { count, lastObservedTime: microTime(clock.now()) };
    try {
      await client.patch(Events, series.ref, { type: 'merge', body: { series: tally } }, { signal });
    } catch (error) {
      // The server drops events after an hour.
      if (!isNotFound(error)) throw error;
      await client.create(Events, { ...series.first, series: tally }, { signal });
    }
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubernetesObject): NonNullable<Event['regarding']> {
  const { name, namespace, uid } = metadata;
  return {
    apiVersion,
    kind,
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
}

/** Names of some kinds (`system:node`) are not allowed as names of Events. */
function subdomain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .slice(0, 220);
}

/** `metav1.MicroTime`. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
