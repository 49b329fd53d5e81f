/**
 * The keys that a request names. Keys are strings with one character per byte, so that `<` orders them as etcd does.
 * `end` is exclusive; undefined means that there is no upper bound.
 */
export interface KeyRange {
  readonly start: string;
  readonly end: string | undefined;
  /** The range is the one key `start`. */
  readonly single: boolean;
}

/** etcd's convention: no range end names one key, the range end "\0" means all keys from `key` on. */
export function keyRange(key: string, rangeEnd: string): KeyRange {
  if (rangeEnd === '') return { start: key, end: `${key}\0`, single: true };
  return { start: key, end: rangeEnd === '\0' ? undefined : rangeEnd, single: false };
}

export function contains(range: KeyRange, key: string): boolean {
  return key >= range.start && (range.end === undefined || key < range.end);
}

/** Whether no key can be in the range. */
export function isEmpty(range: KeyRange): boolean {
  return range.end !== undefined && range.end <= range.start;
}
