import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { Scope } from '../core/scope.ts';
import type { ClusterClient } from '../cluster/client.ts';
import type { Caches } from './caches.ts';
import type { Cause } from './cause.ts';
import type { ControllerSettings } from './controller.ts';
import type { EventRecorder } from './events.ts';
import type { Outcome } from './outcome.ts';
import type { ReadSet } from './tracked-reads.ts';
import type { Priority } from './work-queue.ts';

/** What a runner runs: where keys come from, and what running one means. Made from a controller's definition and its dependencies. */
export interface Work extends ControllerSettings {
  /** Connects the sources of keys; resolves when keys can be run. Rejects only when the scope ends before that. */
  open(host: WorkHost): Promise<void>;
  /** `gone`: the key stands for nothing any more. */
  run(run: Run): Promise<Outcome | 'gone'>;
}

/** What work is given for its whole life. */
export interface WorkHost {
  /** Ends with the controller. */
  readonly scope: Scope;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly caches: Caches;
  enqueue(key: string, cause: Cause, priority?: Priority): void;
  /** Keys that are queued, running or waiting for something. */
  knownKeys(): Iterable<string>;
}

/** What work is given for one run of one key. */
export interface Run {
  readonly key: string;
  readonly causes: readonly Cause[];
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly client: ClusterClient;
  readonly caches: Caches;
  readonly reads: ReadSet;
  readonly events: EventRecorder;
}
