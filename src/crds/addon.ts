import { conditionColumn, conditionsSchema, type Condition } from './condition.ts';
import { defineCustomResource, type CustomObject } from './custom-resource.ts';

export interface AddonSpec {
  /** The manifest file, as an absolute path on the server. */
  source?: string;
  /** SHA-256 of the file's content, in hexadecimal; empty while the file cannot be read. */
  checksum?: string;
}

export interface AddonStatus {
  observedGeneration?: number;
  /** The checksum of the content that was last applied in full. */
  checksum?: string;
  /** Objects that the manifest describes. */
  objects?: number;
  /** `Parsed`: every document could be read. `Applied`: every object that could be read is in the cluster. `Ready`: both. */
  conditions?: Condition[];
}

/** A manifest file and the objects that it put into the cluster. Deleting it deletes them. */
export type Addon = CustomObject<AddonSpec, AddonStatus>;

export const Addons = defineCustomResource<Addon>({
  group: 'k3s.cattle.io',
  version: 'v1',
  kind: 'Addon',
  plural: 'addons',
  scope: 'Namespaced',
  description: 'A manifest file and the objects that it put into the cluster. Deleting it deletes them.',
  spec: {
    type: 'object',
    properties: {
      source: { type: 'string', description: 'The manifest file, as an absolute path on the server.' },
      checksum: {
        type: 'string',
        description: "SHA-256 of the file's content, in hexadecimal; empty while the file cannot be read.",
      },
    },
  },
  status: {
    type: 'object',
    properties: {
      observedGeneration: { type: 'integer', format: 'int64' },
      checksum: { type: 'string', description: 'The checksum of the content that was last applied in full.' },
      objects: { type: 'integer', description: 'Objects that the manifest describes.' },
      conditions: conditionsSchema,
    },
  },
  columns: [
    { name: 'Source', type: 'string', jsonPath: '.spec.source' },
    { name: 'Checksum', type: 'string', jsonPath: '.spec.checksum', priority: 1 },
    conditionColumn('Ready'),
    { name: 'Objects', type: 'integer', jsonPath: '.status.objects' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
