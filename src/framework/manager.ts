import type { Observable } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { ClusterClient } from '../cluster/client.ts';
import type { Informers } from '../cluster/informers.ts';
import type { Controller } from './controller.ts';
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
