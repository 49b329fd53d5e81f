import { Failure } from './failure.ts';
import {
  displayPath,
  type FieldSet,
  type FieldValues,
  fieldsOf,
  isWithin,
  itemElement,
  join,
  toFieldsV1,
} from './field-set.ts';
import { mergeApplied } from './merge.ts';
import type { MergeType } from './merge-type.ts';
import { type Fields, isFields } from './value.ts';

/** One manager's share of an object: the in-memory form of an entry of `metadata.managedFields`. */
export interface ManagerEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string;
  readonly apiVersion: string;
  readonly time: string;
  readonly fields: FieldSet;
}

/** Who writes, how and when. */
export type Writer = Omit<ManagerEntry, 'fields'>;

/** `metadata.managedFields` for these managers. */
export function managedFields(managers: readonly ManagerEntry[]): unknown[] {
  return managers.map(({ manager, operation, subresource, apiVersion, time, fields }) => ({
    manager,
    operation,
    apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(fields),
    ...(subresource === '' ? {} : { subresource }),
  }));
}

/** Ownership after a create, replace or patch: what the writer changed is the writer's, what it removed is nobody's. */
export function ownAfterUpdate(
  managers: readonly ManagerEntry[],
  before: FieldValues,
  after: FieldValues,
  writer: Writer,
): ManagerEntry[] {
  const changed = new Set([...after].filter(([path, value]) => before.get(path) !== value).map(([path]) => path));
  const others = managers.filter((entry) => !isSame(entry, writer));
  const mine = managers.find((entry) => isSame(entry, writer));
  const kept = [...(mine?.fields ?? [])].filter((path) => after.has(path));
  const fields = new Set([...kept, ...changed]);
  const reduced = others.map((entry) => keep(entry, (path) => after.has(path) && !changed.has(path)));
  return present([...reduced, ownedBy(mine, fields, writer)]);
}

/**
 * Server-side apply on `live`: the merged object and its managers. A field that the writer applied before and leaves out now is
 * removed unless somebody else owns it. Throws the 409 that names each field which another manager holds with another value.
 */
export function apply(
  live: Fields,
  managers: readonly ManagerEntry[],
  applied: Fields,
  type: MergeType,
  writer: Writer,
  force: boolean,
): { object: Fields; managers: ManagerEntry[] } {
  const wanted = fieldsOf(applied, type);
  const present_ = fieldsOf(live, type);
  const others = managers.filter((entry) => !isSame(entry, writer));
  const mine = managers.find((entry) => isSame(entry, writer));

  const taken = new Set<string>();
  const conflicts: { entry: ManagerEntry; path: string }[] = [];
  for (const [path, value] of wanted) {
    if (value === '' || present_.get(path) === value) continue;
    for (const entry of others) {
      if (!entry.fields.has(path)) continue;
      taken.add(path);
      conflicts.push({ entry, path });
    }
  }
  if (conflicts.length > 0 && !force) throw fieldConflict(conflicts);

  const dropped = [...(mine?.fields ?? [])].filter((path) => !wanted.has(path));
  const free = new Set(dropped.filter((path) => !others.some((entry) => owns(entry, path))));
  const merged = mergeApplied(live, applied, type) as Fields;
  const object = prune(merged, type, '', free) as Fields;
  const after = fieldsOf(object, type);
  const reduced = others.map((entry) => keep(entry, (path) => !taken.has(path) && after.has(path)));
  return { object, managers: present([...reduced, ownedBy(mine, new Set(wanted.keys()), writer)]) };
}

function owns(entry: ManagerEntry, path: string): boolean {
  for (const field of entry.fields) if (isWithin(field, path)) return true;
  return false;
}

/** Takes the fields in `free` out of a value; a map or list that becomes empty by it goes too. */
function prune(value: unknown, type: MergeType, path: string, free: ReadonlySet<string>): unknown {
  if (free.size === 0) return value;
  if (isFields(value) && !type.atomic) {
    const kept = Object.entries(value).flatMap(([name, child]) => {
      const childPath = join(path, `f:${name}`);
      if (free.has(childPath)) return [];
      const pruned = prune(child, type.field(name), childPath, free);
      return pruned === undefined ? [] : [[name, pruned] as const];
    });
    const emptied = kept.length === 0 && Object.keys(value).length > 0 && path !== '';
    return emptied ? undefined : Object.fromEntries(kept);
  }
  if (Array.isArray(value) && type.list !== 'atomic') {
    const kept = value.flatMap((item: unknown) => {
      const itemPath = join(path, itemElement(item, type));
      return free.has(itemPath) ? [] : [prune(item, type.item(), itemPath, free)];
    });
    return kept.length === 0 && value.length > 0 ? undefined : kept;
  }
  return value;
}

function fieldConflict(conflicts: readonly { entry: ManagerEntry; path: string }[]): Failure {
  const causes = conflicts.map(({ entry, path }) => {
    const at = entry.operation === 'Update' ? ` using ${entry.apiVersion}` : '';
    return {
      reason: 'FieldManagerConflict',
      message: `conflict with "${entry.manager}"${at}`,
      field: displayPath(path),
    };
  });
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  const list = causes.map(({ message, field }) => `${message}: ${field}`).join('\n');
  return new Failure(409, { reason: 'Conflict', message: `Apply failed with ${count}: ${list}`, details: { causes } });
}

function isSame(entry: ManagerEntry, writer: Writer): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    entry.subresource === writer.subresource &&
    (entry.operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  );
}

/** A manager whose share did not change keeps its time, so that a write without effect is no change. */
function ownedBy(previous: ManagerEntry | undefined, fields: FieldSet, writer: Writer): ManagerEntry {
  const unchanged =
    previous !== undefined &&
    previous.fields.size === fields.size &&
    [...fields].every((path) => previous.fields.has(path));
  return unchanged ? previous : { ...writer, fields };
}

function keep(entry: ManagerEntry, stays: (path: string) => boolean): ManagerEntry {
  const fields = new Set([...entry.fields].filter(stays));
  return fields.size === entry.fields.size ? entry : { ...entry, fields };
}

function present(managers: readonly ManagerEntry[]): ManagerEntry[] {
  return managers.filter((entry) => entry.fields.size > 0);
}
