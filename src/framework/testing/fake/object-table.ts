import { keyOf, type ObjectRef } from '../../../cluster/object.ts';
import { apiVersionOf } from '../../../cluster/resource.ts';
import { groupResource } from './failure.ts';
import type { ServedKind } from './kind-table.ts';
import { type ManagerEntry, managedFields } from './ownership.ts';
import type { Stored } from './value.ts';

/** An object with its managers. Never changed after it is stored. */
export interface StoredRecord {
  readonly object: Stored;
  readonly managers: readonly ManagerEntry[];
}

/** The objects of all kinds, as they are now. */
export class ObjectTable {
  readonly #tables = new Map<string, Map<string, StoredRecord>>();
  readonly #uids = new Set<string>();

  get(kind: ServedKind, ref: ObjectRef | string): StoredRecord | undefined {
    return this.#tables.get(groupResource(kind))?.get(typeof ref === 'string' ? ref : keyOf(ref));
  }

  /** In the order of namespace and name, as etcd keeps them. */
  list(kind: ServedKind, namespace?: string): StoredRecord[] {
    const table = this.#tables.get(groupResource(kind)) ?? new Map<string, StoredRecord>();
    const keys = [...table.keys()].sort().filter((key) => namespace === undefined || key.startsWith(`${namespace}/`));
    return keys.flatMap((key) => table.get(key) ?? []);
  }

  /** Whether an object with this uid exists, of whatever kind. */
  has(uid: string): boolean {
    return this.#uids.has(uid);
  }

  put(kind: ServedKind, record: StoredRecord): void {
    const name = groupResource(kind);
    const table = this.#tables.get(name) ?? new Map<string, StoredRecord>();
    this.#tables.set(name, table.set(keyOf(record.object), record));
    this.#uids.add(record.object.metadata.uid ?? '');
  }

  remove(kind: ServedKind, record: StoredRecord): void {
    this.#tables.get(groupResource(kind))?.delete(keyOf(record.object));
    this.#uids.delete(record.object.metadata.uid ?? '');
  }
}

/** A record as a reader of one version gets it: a copy, the reader's to change. */
export function rendered(record: StoredRecord, kind: ServedKind, version: string): Stored {
  const object = structuredClone(record.object);
  object.apiVersion = apiVersionOf({ group: kind.group, version });
  if (record.managers.length > 0) object.metadata.managedFields = managedFields(record.managers);
  return object;
}
