import { readYamlDocuments, type JsonValue } from '../../core/yaml.ts';
import type { KubernetesObject } from '../../cluster/object.ts';

/** A part of a manifest that cannot be applied. */
export interface ManifestProblem {
  /** `syntax`: the document is not YAML. `object`: it is, but not a Kubernetes object. */
  readonly type: 'syntax' | 'object';
  /** Says which document, from which line, and why. */
  readonly message: string;
}

export interface ManifestObjects {
  /** In the order of the file; lists are replaced by their items. */
  readonly objects: readonly KubernetesObject[];
  readonly problems: readonly ManifestProblem[];
}

/** What a manifest asks for. A problem of one document, or of one item of a list, is that document's or item's alone. */
export function readManifestObjects(text: string): ManifestObjects {
  const objects: KubernetesObject[] = [];
  const problems: ManifestProblem[] = [];
  for (const document of readYamlDocuments(text)) {
    const { index, line } = document;
    if ('problem' in document) {
      const { reason, line, column } = document.problem;
      problems.push({ type: 'syntax', message: `document ${index} (line ${line}, column ${column}): ${reason}` });
      continue;
    }
    for (const { value, place } of flatten(document.value, '')) {
      const reason = reasonAgainst(value);
      if (reason === undefined) objects.push(value as unknown as KubernetesObject);
      else problems.push({ type: 'object', message: `document ${index} (line ${line})${place}: ${reason}` });
    }
  }
  return { objects, problems };
}

/** The items of a `List` or `…List`, however deep; those without a kind are of the list's. */
function* flatten(value: JsonValue, place: string): Generator<{ value: JsonValue; place: string }> {
  if (
    !isMapping(value) ||
    typeof value['kind'] !== 'string' ||
    !value['kind'].endsWith('List') ||
    !('items' in value)
  ) {
    yield { value, place };
    return;
  }
  const { kind, apiVersion, items } = value;
  const itemKind = kind.slice(0, -'List'.length);
  for (const [at, item] of (Array.isArray(items) ? items : []).entries()) {
    const typed =
      isMapping(item) && itemKind !== '' && apiVersion !== undefined ? { apiVersion, kind: itemKind, ...item } : item;
    yield* flatten(typed, `${place}, item ${at + 1}`);
  }
}

function reasonAgainst(value: JsonValue): string | undefined {
  if (!isMapping(value)) return `expected a Kubernetes object, found ${nameOf(value)}`;
  const { apiVersion, kind, metadata } = value;
  if (typeof kind !== 'string' || kind === '') return 'the object has no kind';
  if (typeof apiVersion !== 'string' || apiVersion === '') return `the ${kind} has no apiVersion`;
  if (!isMapping(metadata)) return `the ${kind} has no metadata`;
  const { name, namespace } = metadata;
  if (typeof name !== 'string' || name === '') {
    const generated = metadata['generateName'] === undefined ? '' : ' (generateName cannot be applied)';
    return `the ${kind} has no metadata.name${generated}`;
  }
  if (namespace !== undefined && typeof namespace !== 'string') {
    return `the metadata.namespace of ${kind} ${name} is ${nameOf(namespace)}; quote it`;
  }
  return undefined;
}

function isMapping(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: JsonValue): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`;
}
