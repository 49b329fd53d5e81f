import type { Store } from '../mvcc/store.ts';
import { WatchedEvent } from './watched-event.ts';
import type { Watcher } from './watcher.ts';

/** Bytes of events and changes looked at after which a piece ends, at the next revision: what belongs together stays so. */
const BYTES = 1024 * 1024;
const LOOKED_AT = 10_000;

export interface HistoryPiece {
  readonly events: readonly WatchedEvent[];
  /** Where the next piece starts; undefined if there is no more history. */
  readonly next: number | undefined;
}

/** The events that a watcher wants from revision `from` on, limited in number so that no caller is held up for long. */
export function collectHistory(store: Store, watcher: Watcher, from: number): HistoryPiece {
  const events: WatchedEvent[] = [];
  let next: number | undefined;
  let looked = 0;
  let bytes = 0;
  let lastRevision = from;
  store.log.scan(from, (change) => {
    if (change.revision !== lastRevision && (looked >= LOOKED_AT || bytes >= BYTES)) {
      next = change.revision;
      return false;
    }
    looked++;
    lastRevision = change.revision;
    if (watcher.wants(change)) {
      const event = new WatchedEvent(store, change);
      bytes += event.encoded(watcher.options.withPrevious).length;
      events.push(event);
    }
    return true;
  });
  return { events, next };
}
