import type { KubernetesObject } from '../../../cluster/object.ts';

/** A JSON object whose fields are looked at one by one. */
export type Fields = { [field: string]: unknown };

/** A Kubernetes object as the fake stores it. */
export type Stored = KubernetesObject & Fields;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
