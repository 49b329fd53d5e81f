/** `ObjectMeta` as far as custom objects are read here; this layer stands below the one that has the whole of it. */
export interface CustomObjectMeta {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
}

export interface CustomObject<Spec, Status> {
  apiVersion: string;
  kind: string;
  metadata: CustomObjectMeta;
  /** No kind of ours requires it: the API server accepts an object without. */
  spec?: Spec;
  status?: Status;
}

/** OpenAPI v3, as far as structural schemas use it (`JSONSchemaProps` of apiextensions.k8s.io/v1). */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly format?: 'int32' | 'int64' | 'date-time';
  readonly anyOf?: readonly Schema[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-list-type'?: 'map' | 'atomic' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly { rule: string; message: string }[];
}

/** A column of `kubectl get`. Those with a priority above 0 are shown by `-o wide` only. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly priority?: number;
}

/** A kind that we bring along: what a client needs to reach its objects, and the definition that makes the API server know it. */
export interface CustomResource<T extends CustomObject<unknown, unknown>> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** Carries the object's type; never set. */
  readonly objectType?: T;
  /** The CustomResourceDefinition object. */
  readonly definition: CustomResourceDefinition;
}

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: string[];
    };
    readonly versions: {
      readonly name: string;
      readonly served: true;
      readonly storage: true;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns: PrinterColumn[];
      readonly subresources: { readonly status?: Record<string, never> };
    }[];
  };
}

export interface CustomResourceOptions {
  group: string;
  version: string;
  kind: string;
  plural: string;
  shortNames?: string[];
  scope: 'Namespaced' | 'Cluster';
  description: string;
  spec: Schema;
  /** With it, the kind has a status sub-resource. */
  status?: Schema;
  columns: PrinterColumn[];
}

export function defineCustomResource<T extends CustomObject<unknown, unknown>>(
  options: CustomResourceOptions,
): CustomResource<T> {
  const { group, version, kind, plural, scope, spec, status } = options;
  const definition: CustomResourceDefinition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: options.shortNames ?? [],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: options.description,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec,
                ...(status === undefined ? {} : { status }),
              },
            },
          },
          additionalPrinterColumns: options.columns,
          subresources: status === undefined ? {} : { status: {} },
        },
      ],
    },
  };
  return { group, version, kind, plural, scope, definition };
}
