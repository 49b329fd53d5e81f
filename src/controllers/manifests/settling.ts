import type { FileStamp } from './directory-scan.ts';

/** A file must look the same for this long, in ms, before it is read: it may still be being written. */
export const QUIET = 500;

/** A file must be missing for this long, in ms, before it counts as removed: editors replace a file by removing it first. */
export const MISSING = 1000;

/** How a file has looked since `since` (ms, monotonic); `stamp` is undefined while there is none. */
export interface Observation {
  readonly stamp: FileStamp | undefined;
  readonly since: number;
}

/** The observation after a look at `now` that found `stamp`. */
export function observe(previous: Observation | undefined, stamp: FileStamp | undefined, now: number): Observation {
  return previous !== undefined && sameStamp(previous.stamp, stamp) ? previous : { stamp, since: now };
}

/**
 * How long until the observation may be believed, if nothing changes: 0 when it may be now. A file that the file system says was
 * last written long enough ago (`wallTime` is now, since the epoch) is believed at first sight.
 */
export function settlesIn(observation: Observation, now: number, wallTime: number): number {
  const { stamp, since } = observation;
  const seen = now - since;
  if (stamp === undefined) return Math.max(0, MISSING - seen);
  return Math.max(0, QUIET - Math.max(seen, wallTime - stamp.changed));
}

export function sameStamp(a: FileStamp | undefined, b: FileStamp | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.device === b.device &&
    a.inode === b.inode &&
    a.size === b.size &&
    a.modified === b.modified &&
    a.changed === b.changed
  );
}
