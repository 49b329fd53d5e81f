import type { MergeType } from './merge-type.ts';
import { type Fields, isFields } from './value.ts';

/**
 * The fields of an object as paths, each with its value as JSON ('' for the existence of a list's item). A path is a sequence of
 * elements in the notation of FieldsV1: `f:name` for a field, `k:{"name":"a"}` for a keyed item, `v:"x"` for a member of a set.
 * Source: sigs.k8s.io/structured-merge-diff.
 */
export type FieldValues = Map<string, string>;
export type FieldSet = Set<string>;

const SEPARATOR = '\u0000';

/** Identity, and what the server alone writes: nobody owns these. */
const UNOWNED: ReadonlySet<string> = new Set(
  [
    ['apiVersion'],
    ['kind'],
    ...['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp'].map(
      (field) => ['metadata', field],
    ),
    ...['deletionGracePeriodSeconds', 'managedFields', 'selfLink'].map((field) => ['metadata', field]),
  ].map((path) => path.map((field) => `f:${field}`).join(SEPARATOR)),
);

export function fieldsOf(object: Fields, type: MergeType): FieldValues {
  const found: FieldValues = new Map();
  collect(object, type, '', found);
  for (const path of UNOWNED) found.delete(path);
  return found;
}

function collect(value: unknown, type: MergeType, path: string, found: FieldValues): void {
  if (isFields(value)) {
    const entries = Object.entries(value);
    if (type.atomic || (entries.length === 0 && path !== '')) found.set(path, canonical(value));
    else for (const [name, child] of entries) collect(child, type.field(name), join(path, `f:${name}`), found);
    return;
  }
  if (!Array.isArray(value) || type.list === 'atomic') {
    found.set(path, canonical(value));
    return;
  }
  for (const item of value) {
    const itemPath = join(path, itemElement(item, type));
    found.set(itemPath, '');
    if (type.list !== 'set' && isFields(item)) {
      for (const [name, child] of Object.entries(item))
        collect(child, type.item().field(name), join(itemPath, `f:${name}`), found);
    }
  }
}

/** The path element that tells an item of a keyed list or a set from its neighbours. */
export function itemElement(item: unknown, type: MergeType): string {
  if (type.list === 'set' || type.list === 'atomic' || !isFields(item)) return `v:${canonical(item)}`;
  const keys = [...type.list].sort().map((key) => [key, item[key] ?? type.keyDefaults[key] ?? null]);
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

export function join(path: string, element: string): string {
  return path === '' ? element : path + SEPARATOR + element;
}

/** Whether `path` is `ancestor` or lies under it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(ancestor + SEPARATOR);
}

/** `.spec.containers[name="a"].image`, as conflicts name a field. */
export function displayPath(path: string): string {
  return path
    .split(SEPARATOR)
    .map((element) => {
      if (element.startsWith('f:')) return `.${element.slice(2)}`;
      if (element.startsWith('v:')) return `[=${element.slice(2)}]`;
      const keys: Fields = JSON.parse(element.slice(2));
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}

/** The wire form of a set. */
export function toFieldsV1(set: FieldSet): Fields {
  const root: Fields = {};
  for (const path of [...set].sort()) {
    let node = root;
    for (const element of path.split(SEPARATOR)) node = (node[element] ??= {}) as Fields;
    node['.'] = {};
  }
  return withoutLeafDots(root);
}

/** A member without children is written as an empty object; only one that has children carries the dot. */
function withoutLeafDots(node: Fields): Fields {
  const names = Object.keys(node);
  if (names.length === 1 && names[0] === '.') return {};
  return Object.fromEntries(names.map((name) => [name, name === '.' ? {} : withoutLeafDots(node[name] as Fields)]));
}

/** JSON with sorted fields, so that equal values are equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isFields(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
