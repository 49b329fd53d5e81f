import { parseApiVersion } from './object-identity.ts';

/** A kind as objects name it. */
export interface ObjectKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * The kinds of an apply set as k3s writes them into an annotation: `/v1, Kind=ConfigMap;apps/v1, Kind=Deployment`.
 * The order is kept, repetitions are dropped.
 */
export function formatKinds(kinds: Iterable<ObjectKind>): string {
  return [...new Set(Array.from(kinds, formatKind))].join(';');
}

/** `apps/v1, Kind=Deployment`, as Go's schema.GroupVersionKind prints itself; the core group is empty: `/v1, Kind=Pod`. */
export function formatKind({ apiVersion, kind }: ObjectKind): string {
  const { group, version } = parseApiVersion(apiVersion);
  return `${group}/${version}, Kind=${kind}`;
}

/** Entries that are not of the format are left out: the annotation may have been edited by hand. */
export function parseKinds(text: string | undefined): ObjectKind[] {
  return (text ?? '').split(';').flatMap((entry) => {
    const match = /^\s*([^/,\s]*)\/([^/,\s]+), Kind=(\S+)\s*$/.exec(entry);
    if (match === null) return [];
    const [, group = '', version = '', kind = ''] = match;
    return [{ apiVersion: group === '' ? version : `${group}/${version}`, kind }];
  });
}
