import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import { Scope } from '../core/scope.ts';
import type { ClusterClient } from './client.ts';
import type { KubernetesObject } from './object.ts';
import type { ReflectorEvent } from './reflector-event.ts';
import { type ReflectorAction, ReflectorMachine } from './reflector-machine.ts';
import { groupKind, type Resource } from './resource.ts';
import { Watchdog } from './watchdog.ts';

/** Which objects of a kind to hold. */
export interface Selection {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** How the connection behind a store is doing. `retryAt` is wall-clock time in milliseconds since the Unix epoch. */
export type InformerHealth =
  | { state: 'starting' }
  | { state: 'live' }
  /** The store keeps its last content while the reflector tries again. */
  | { state: 'retrying'; error: unknown; retryAt: number }
  /** The server does not have the kind (404) or refuses it (403): asked again, but rarely. */
  | { state: 'unavailable'; error: unknown; retryAt: number };

export interface ReflectorOptions<T extends KubernetesObject> {
  client: Pick<ClusterClient, 'list' | 'watch'>;
  resource: Resource<T>;
  selection: Selection;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Takes every event, in order. Must not throw. */
  emit: (event: ReflectorEvent<T>) => void;
  /** Takes every change of health. */
  report: (health: InformerHealth) => void;
}

/** How many failures in a row are nothing to speak of: one is what every restart of the API server costs. */
const QUIET_FAILURES = 1;

/** Carries out what a ReflectorMachine decides, until its signal aborts. Nothing that the server does ends it. */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #machine: ReflectorMachine<T>;
  readonly #log: Logger;
  #waiting: AbortController | undefined;
  #live = false;
  #complained = false;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#machine = new ReflectorMachine(options.random);
    this.#log = options.log.child({ kind: groupKind(options.resource), ...options.selection });
  }

  /** Resolves when `signal` has aborted and the last request is closed. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const action = this.#machine.next();
      try {
        if (action.type === 'wait') await this.#wait(action, signal);
        else if (action.type === 'list') await this.#list(action, signal);
        else await this.#watch(action, signal);
      } catch (error) {
        if (!signal.aborted) this.#machine.failed(error, this.#options.clock.monotonic());
      }
    }
  }

  /** Cuts the present wait short, if there is one. */
  retryNow(): void {
    this.#waiting?.abort();
  }

  async #wait(action: Extract<ReflectorAction, { type: 'wait' }>, signal: AbortSignal): Promise<void> {
    const { clock, report } = this.#options;
    const { delay, error, unavailable } = action;
    this.#live = false;
    report({ state: unavailable ? 'unavailable' : 'retrying', error, retryAt: clock.now() + delay });
    if (!this.#complained && (unavailable || this.#machine.failures > QUIET_FAILURES)) {
      this.#complained = true;
      this.#log.warn(unavailable ? 'the API server does not serve this kind' : 'cannot follow this kind', { error });
    } else {
      this.#log.debug('trying again later', { error, delay });
    }
    await using wait = new Scope(signal);
    const poked = new AbortController();
    this.#waiting = poked;
    wait.defer(() => {
      this.#waiting = undefined;
    });
    await Promise.race([
      clock.sleep(delay, wait.signal),
      new Promise<void>((resolve) => poked.signal.addEventListener('abort', () => resolve(), { once: true })),
    ]);
  }

  async #list(action: Extract<ReflectorAction, { type: 'list' }>, signal: AbortSignal): Promise<void> {
    const { client, resource, selection, clock } = this.#options;
    await using attempt = new Scope(signal);
    let late = false;
    attempt.use(
      clock.timer(action.limit, () => {
        late = true;
        void attempt[Symbol.asyncDispose]();
      }),
    );
    try {
      const list = await client.list(resource, { ...selection, ...action.options, signal: attempt.signal });
      for (const event of this.#machine.page(list, clock.monotonic())) this.#options.emit(event);
      if (list.continue === undefined) this.#wentLive();
    } catch (error) {
      if (!late) throw error;
      const path = groupKind(resource);
      throw new K3sError('K3S_API_TIMEOUT', `listing ${path} took longer than ${action.limit} ms`, { retryable: true });
    }
  }

  async #watch(action: Extract<ReflectorAction, { type: 'watch' }>, signal: AbortSignal): Promise<void> {
    const { client, resource, selection, clock } = this.#options;
    await using attempt = new Scope(signal);
    let stalled = false;
    const watchdog = attempt.use(
      new Watchdog({
        clock,
        idle: () => this.#machine.idleLimit,
        limit: action.limit,
        onDead: () => {
          stalled = true;
          void attempt[Symbol.asyncDispose]();
        },
      }),
    );
    const following = action.options.sendInitialEvents !== true;
    const onOpen = (): void => {
      const now = clock.monotonic();
      watchdog.heard(now);
      this.#machine.opened(now);
      if (following) this.#wentLive();
    };
    const options = { ...selection, ...action.options, signal: attempt.signal, onOpen };
    try {
      for await (const event of client.watch(resource, options)) {
        const now = clock.monotonic();
        watchdog.heard(now);
        for (const change of this.#machine.watchEvent(event, now)) {
          this.#options.emit(change);
          if (change.type === 'InitDone') this.#wentLive();
        }
        if (stalled || signal.aborted) break;
      }
    } catch (error) {
      if (!stalled) throw error;
    }
    if (signal.aborted) return;
    if (stalled) this.#log.debug('nothing came from the API server; asking again');
    this.#machine.ended(stalled ? 'stalled' : 'closed', clock.monotonic());
  }

  #wentLive(): void {
    if (this.#live) return;
    this.#live = true;
    if (this.#complained) this.#log.info('following this kind again');
    this.#complained = false;
    this.#options.report({ state: 'live' });
  }
}
