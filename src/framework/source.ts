import type { Observable } from 'rxjs';

/** Stands for all keys of a controller: those are queued at low priority. */
export const everyKey: unique symbol = Symbol('everyKey');
export type EveryKey = typeof everyKey;

/**
 * Things that are not Kubernetes objects (files, processes, timers, certificates), made reconcilable: keys that can be listed,
 * read, and that say when they change. The controller on top is level-triggered: it reads the state when it runs, so a source may
 * report changes too often but must not miss one for longer than the controller's resync.
 */
export interface Source<T> {
  /** For logs and `explain`. */
  readonly name: string;
  /** The keys that exist now. A rejection is retried with back-off. */
  list(): Promise<Iterable<string>>;
  /** Keys that appeared, changed or vanished; `everyKey` lists again. Subscribed to before the first `list`. */
  readonly changes$: Observable<string | EveryKey>;
  /** The state behind a key now; undefined when there is none. A rejection counts as a failed run of the key. */
  read(key: string): Promise<T | undefined>;
}

export function defineSource<T>(source: Source<T>): Source<T> {
  return source;
}
