import { isDeepStrictEqual } from 'node:util';
import { forbidden, type InvalidField, invalid } from './failure.ts';
import type { ServedKind } from './kind-table.ts';
import { problemsOf, shaped } from './schema.ts';
import { type Fields, isFields, type Stored } from './value.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const SUBDOMAIN_RULE =
  'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ' +
  "'-' or '.', and must start and end with an alphanumeric character";

/** Fields that the real server does not let change, and that controllers are known to trip over. */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec.selector'],
  DaemonSet: ['spec.selector'],
  StatefulSet: ['spec.selector', 'spec.serviceName'],
  Job: ['spec.selector', 'spec.template'],
  RoleBinding: ['roleRef'],
  ClusterRoleBinding: ['roleRef'],
  Secret: ['type'],
  CustomResourceDefinition: ['spec.group', 'spec.scope', 'spec.names.kind', 'spec.names.plural'],
};

/** The object as it will be stored: what the kind's schema or the built-in kind's defaults make of it. Throws 422. */
export function admitted(object: Stored, kind: ServedKind, version: string, live?: Stored): Stored {
  const schema = kind.schemas[version];
  const result = (schema === undefined ? withBuiltinDefaults(object) : shaped(object, schema)) as Stored;
  const problems = [
    ...metadataProblems(result, kind),
    ...(schema === undefined ? [] : problemsOf(result, schema)),
    ...(live === undefined || kind.custom ? [] : immutableProblems(live, result, kind)),
  ];
  if (problems.length > 0) throw invalid(kind, object.metadata.name ?? '', problems);
  if (live?.metadata.deletionTimestamp !== undefined) refuseNewFinalizers(live, result, kind);
  return result;
}

function metadataProblems({ metadata }: Stored, kind: ServedKind): InvalidField[] {
  const problems: InvalidField[] = [];
  const name = metadata.name ?? '';
  if (name === '') {
    problems.push({
      field: 'metadata.name',
      message: 'Required value: name or generateName is required',
      reason: 'FieldValueRequired',
    });
  } else if (kind.group === 'rbac.authorization.k8s.io') {
    if (/[/%]/.test(name))
      problems.push({ field: 'metadata.name', message: `Invalid value: "${name}": may not contain '/' or '%'` });
  } else if (!SUBDOMAIN.test(name) || name.length > 253) {
    problems.push({ field: 'metadata.name', message: `Invalid value: "${name}": ${SUBDOMAIN_RULE}` });
  }
  for (const value of Object.values(metadata.labels ?? {})) {
    if (!LABEL_VALUE.test(value) || value.length > 63) {
      problems.push({ field: 'metadata.labels', message: `Invalid value: "${value}": not a valid label value` });
    }
  }
  return problems;
}

function immutableProblems(live: Stored, object: Stored, kind: ServedKind): InvalidField[] {
  const frozen = live['immutable'] === true && ['ConfigMap', 'Secret'].includes(kind.kind);
  const paths = [...(IMMUTABLE[kind.kind] ?? []), ...(frozen ? ['data', 'binaryData', 'immutable'] : [])];
  return paths
    .filter((path) => !isDeepStrictEqual(at(live, path), at(object, path)))
    .map((path) => ({ field: path, message: 'Invalid value: field is immutable' }));
}

function refuseNewFinalizers(live: Stored, object: Stored, kind: ServedKind): void {
  const before = live.metadata.finalizers ?? [];
  const added = (object.metadata.finalizers ?? []).filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return;
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => `"${name}"`).join(', ')}}`;
  throw invalid(kind, live.metadata.name ?? '', [
    { field: 'metadata.finalizers', message: `Forbidden: ${why}`, reason: 'FieldValueForbidden' },
  ]);
}

/** The few defaults of built-in kinds that controllers rely on reading back. */
function withBuiltinDefaults(object: Stored): Stored {
  if (object.kind === 'Secret') {
    const { stringData, ...rest } = object;
    const encoded = Object.entries(isFields(stringData) ? stringData : {}).map(([key, value]) => [
      key,
      Buffer.from(String(value)).toString('base64'),
    ]);
    const data: Fields = { ...(isFields(rest['data']) ? rest['data'] : {}), ...Object.fromEntries(encoded) };
    return { ...rest, type: rest['type'] ?? 'Opaque', ...(Object.keys(data).length === 0 ? {} : { data }) };
  }
  if (object.kind === 'Namespace') {
    const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' };
    const status = isFields(object['status']) ? object['status'] : { phase: 'Active' };
    return { ...object, metadata: { ...object.metadata, labels }, spec: { finalizers: ['kubernetes'] }, status };
  }
  return object;
}

/** Refuses new content in a namespace that is going away. */
export function refuseTerminating(kind: ServedKind, name: string, namespace: Stored): void {
  if (namespace.metadata.deletionTimestamp === undefined) return;
  const where = namespace.metadata.name ?? '';
  throw forbidden(kind, name, `unable to create new content in namespace ${where} because it is being terminated`);
}

function at(object: Stored, path: string): unknown {
  return path.split('.').reduce<unknown>((value, step) => (isFields(value) ? value[step] : undefined), object);
}
