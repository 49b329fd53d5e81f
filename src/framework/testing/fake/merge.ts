import { itemElement } from './field-set.ts';
import type { MergeType } from './merge-type.ts';
import { type Fields, isFields } from './value.ts';

/** What server-side apply makes of a live value and an applied one: maps and keyed lists merge, sets unite, the rest is replaced. */
export function mergeApplied(live: unknown, applied: unknown, type: MergeType): unknown {
  if (isFields(applied) && isFields(live) && !type.atomic) {
    const merged: Fields = { ...live };
    for (const [name, value] of Object.entries(applied))
      merged[name] = mergeApplied(live[name], value, type.field(name));
    return merged;
  }
  if (Array.isArray(applied) && Array.isArray(live) && type.list !== 'atomic') {
    const items = new Map<string, unknown>(live.map((item: unknown) => [itemElement(item, type), item]));
    for (const item of applied as unknown[]) {
      const element = itemElement(item, type);
      items.set(
        element,
        items.has(element) && type.list !== 'set' ? mergeApplied(items.get(element), item, type.item()) : item,
      );
    }
    return [...items.values()];
  }
  return applied;
}

/** RFC 7386. */
export function mergePatched(live: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const merged: Fields = isFields(live) ? { ...live } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatched(merged[name], value);
  }
  return merged;
}

/** Kubernetes' strategic merge patch: as RFC 7386, but keyed lists merge by their first key, and `$patch` directives are obeyed. */
export function mergeStrategically(live: unknown, patch: unknown, type: MergeType): unknown {
  if (isFields(patch)) {
    if (patch['$patch'] === 'replace') return withoutDirectives(patch);
    const merged: Fields = isFields(live) ? { ...live } : {};
    for (const [name, value] of Object.entries(withoutDirectives(patch))) {
      if (value === null) delete merged[name];
      else merged[name] = mergeStrategically(merged[name], value, type.field(name));
    }
    for (const [name, value] of Object.entries(patch)) {
      const list = name.startsWith('$deleteFromPrimitiveList/') ? name.slice(name.indexOf('/') + 1) : undefined;
      const present = list === undefined ? undefined : merged[list];
      if (list === undefined || !Array.isArray(present) || !Array.isArray(value)) continue;
      merged[list] = present.filter((item) => !value.includes(item));
    }
    return merged;
  }
  if (!Array.isArray(patch) || type.list === 'atomic') return patch;
  const present: unknown[] = Array.isArray(live) ? live : [];
  if (type.list === 'set') return [...new Set([...present, ...patch])];
  return mergeKeyedList(present, patch, type.list[0] ?? 'name', type);
}

function mergeKeyedList(live: readonly unknown[], patch: readonly unknown[], key: string, type: MergeType): unknown[] {
  const keyed = (item: unknown): unknown => (isFields(item) ? item[key] : undefined);
  let merged = patch.some((item) => isFields(item) && item['$patch'] === 'replace') ? [] : [...live];
  for (const item of patch) {
    if (!isFields(item)) continue;
    if (item['$patch'] === 'replace' && keyed(item) === undefined) continue;
    const at = merged.findIndex((candidate) => keyed(candidate) === keyed(item));
    if (item['$patch'] === 'delete') merged = merged.filter((candidate) => keyed(candidate) !== keyed(item));
    else if (at < 0) merged.push(withoutDirectives(item));
    else merged[at] = mergeStrategically(merged[at], item, type.item());
  }
  return merged;
}

function withoutDirectives(patch: Fields): Fields {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')));
}
