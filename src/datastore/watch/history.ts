import type { Store } from '../mvcc/store.ts';
import { WatchedEvent } from './watched-event.ts';
import type { Watcher } from './watcher.ts';

/** Events sent in one piece, at least, if there are so many … */
const EVENTS = 1000;
/** … and changes looked at for one piece: both end at the next revision, because a revision's events stay together. */
const LOOKED_AT = 20_000;

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
  let lastRevision = from;
  store.log.scan(from, (change) => {
    if (change.revision !== lastRevision && (looked >= LOOKED_AT || events.length >= EVENTS)) {
      next = change.revision;
      return false;
    }
    looked++;
    lastRevision = change.revision;
    if (watcher.wants(change)) events.push(new WatchedEvent(store, change));
    return true;
  });
  return { events, next };
}
