import { isDeepStrictEqual } from 'node:util';

/** Whether a JSON merge patch (RFC 7386) leaves `target` as it is. */
export function changesNothing(target: unknown, patch: unknown): boolean {
  if (!isRecord(patch)) return isDeepStrictEqual(target, patch);
  if (!isRecord(target)) return false;
  return Object.entries(patch).every(([name, value]) => {
    if (value === undefined) return true;
    return value === null ? target[name] === undefined : changesNothing(target[name], value);
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
