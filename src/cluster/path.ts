import { K3sError } from '../core/errors.ts';
import type { ObjectRef } from './object.ts';
import { apiVersionOf, groupKind, type Resource } from './resource.ts';

/**
 * Where a kind's objects are on the API server: the collection without `ref.name`, one object with it.
 * Rejects what can only be a programming error: an object of a namespaced kind needs its namespace, a cluster-scoped one has none.
 */
export function pathOf(resource: Resource, ref: Partial<ObjectRef> = {}, subresource?: string): string {
  const root = resource.group === '' ? '/api' : '/apis';
  let path = `${root}/${apiVersionOf(resource)}`;
  if (ref.namespace !== undefined && ref.namespace !== '') {
    if (resource.scope === 'Cluster') throw misplaced(resource, ref, 'has no namespaces', 'Leave the namespace out.');
    path += `/namespaces/${encodeURIComponent(ref.namespace)}`;
  } else if (resource.scope === 'Namespaced' && ref.name !== undefined) {
    throw misplaced(resource, ref, 'lives in a namespace, and none was given', 'Set metadata.namespace.');
  }
  path += `/${resource.plural}`;
  if (ref.name !== undefined) path += `/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Where a new object is posted to. */
export function collectionPathOf(resource: Resource, namespace: string | undefined): string {
  if (resource.scope === 'Namespaced' && (namespace === undefined || namespace === '')) {
    throw misplaced(resource, {}, 'lives in a namespace, and none was given', 'Set metadata.namespace.');
  }
  return pathOf(resource, namespace === undefined ? {} : { namespace });
}

function misplaced(resource: Resource, ref: Partial<ObjectRef>, problem: string, hint: string): K3sError {
  const kind = groupKind(resource);
  return new K3sError('K3S_API_NAMESPACE', `${kind} ${ref.name ?? ''}`.trimEnd() + ` ${problem}`, {
    fields: { kind, ...ref },
    hint,
  });
}
