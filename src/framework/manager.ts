import { Subject, type Observable } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { ClusterClient } from '../cluster/client.ts';
import { createInformers, type Informers } from '../cluster/informers.ts';
import type { Controller } from './controller.ts';
import { ControllerRunner } from './controller-runner.ts';
import { Deadline, unlessAborted } from './deadline.ts';
import { EventWriter } from './events.ts';
import { resourceWork } from './resource-work.ts';
import { sourceWork } from './source-work.ts';
import type { Explanation, ReconcileRecord } from './reconcile-record.ts';

export interface ManagerOptions {
  client: ClusterClient;
  /** The caches to share with others; without it the manager opens its own. */
  informers?: Informers;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Names this process in the Events that it writes: the node's name. */
  instance: string;
  /** How long runs may take to end when the manager stops, before their signals abort. Default 10 s. */
  drain?: number;
}

/** Runs controllers. */
export interface Manager {
  /** Before or during `run`; a controller added during it starts at once. Throws K3S_CONTROLLER_DEFINITION for a name in use. */
  add<Deps>(controller: Controller<Deps>, deps: Deps): void;
  /** One value per run of any key. Never errors; completes when the manager has stopped. */
  readonly outcomes$: Observable<ReconcileRecord>;
  /** Undefined for a key that the controller does not know. */
  explain(controller: string, key: string): Explanation | undefined;
  /**
   * Starts every controller; none waits for another. When `signal` aborts: no new runs, those under way end (`drain`), Events that
   * wait are written, caches close; then it resolves. Never rejects for what a controller does.
   */
  run(signal: AbortSignal): Promise<void>;
}

const DEFAULT_DRAIN = 10_000;
/** The Events of the last runs have so long to be written. */
const EVENTS_LIMIT = 2_000;

export function createManager(options: ManagerOptions): Manager {
  return new ControllerManager(options);
}

class ControllerManager implements Manager {
  readonly outcomes$: Observable<ReconcileRecord>;
  readonly #options: ManagerOptions;
  readonly #outcomes = new Subject<ReconcileRecord>();
  readonly #runners = new Map<string, ControllerRunner>();
  readonly #informers: Informers;
  readonly #events: EventWriter;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.outcomes$ = this.#outcomes.asObservable();
    this.#informers = options.informers ?? createInformers(options);
    this.#events = new EventWriter(options);
  }

  add<Deps>(controller: Controller<Deps>, deps: Deps): void {
    const { name } = controller;
    if (this.#runners.has(name)) {
      throw new K3sError('K3S_CONTROLLER_DEFINITION', `there is a controller named "${name}" already`, {
        fields: { controller: name },
      });
    }
    const work =
      controller.type === 'resource'
        ? resourceWork(controller.definition, deps)
        : sourceWork(controller.definition, deps);
    const { client, clock, random, log } = this.#options;
    const runner = new ControllerRunner(work, {
      client,
      clock,
      random,
      log,
      informers: this.#informers,
      events: this.#events,
      onRecord: (record) => this.#outcomes.next(record),
    });
    this.#runners.set(name, runner);
    if (this.#state === 'running') runner.start();
  }

  explain(controller: string, key: string): Explanation | undefined {
    return this.#runners.get(controller)?.explain(key);
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#state !== 'new') throw new Error('a manager runs once');
    this.#state = 'running';
    for (const runner of this.#runners.values()) runner.start();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#state = 'stopped';
    const { drain = DEFAULT_DRAIN, clock, log, informers } = this.#options;
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop(drain)));
    using deadline = new Deadline(clock, EVENTS_LIMIT, undefined, () => new Error(`not written in ${EVENTS_LIMIT} ms`));
    await unlessAborted(this.#events[Symbol.asyncDispose](), deadline.signal).catch((error: unknown) => {
      log.debug('some events were not written', { error });
    });
    if (informers === undefined) await this.#informers[Symbol.asyncDispose]();
    this.#outcomes.complete();
  }
}
