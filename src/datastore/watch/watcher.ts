import type { Change } from '../mvcc/key-history.ts';
import { contains, type KeyRange } from '../mvcc/key-range.ts';
import type { WatchedEvent } from './watched-event.ts';

export interface WatcherOptions {
  readonly id: number;
  readonly range: KeyRange;
  /** Events before this revision are not delivered. 0: from now on. */
  readonly startRevision: number;
  readonly withPrevious: boolean;
  readonly progressNotify: boolean;
  readonly noPuts: boolean;
  readonly noDeletes: boolean;
  /** Responses may be split into several messages. */
  readonly fragment: boolean;
}

/** Receives what a watcher matched in one commit. */
export interface WatcherOwner {
  deliver(watcher: Watcher): void;
}

/** One watch: which events it wants and how far it has got. */
export class Watcher {
  readonly options: WatcherOptions;
  readonly owner: WatcherOwner;
  /** Matched in the commit that is being published, in order. */
  pending: WatchedEvent[] = [];
  /** Undefined: up to date, events come from commits. Else: history from this revision on has yet to be sent. */
  behindFrom: number | undefined;
  /** No event was sent since the last notification of progress was due. */
  quiet = true;

  constructor(owner: WatcherOwner, options: WatcherOptions) {
    this.owner = owner;
    this.options = options;
  }

  wants(change: Change): boolean {
    const { range, startRevision } = this.options;
    return change.revision >= startRevision && contains(range, change.key) && this.passesFilters(change);
  }

  passesFilters(change: Change): boolean {
    return !(change.isDeletion ? this.options.noDeletes : this.options.noPuts);
  }
}
