import type { OpenApiSchema } from '../../../cluster/open-api-schema.ts';

/** How the lists and maps of one kind merge, walked along with the values. */
export interface MergeType {
  /** `keys`: a list whose items are told apart by these fields. `set`: a list of distinct scalars. Only looked at for lists. */
  readonly list: 'atomic' | 'set' | readonly string[];
  /** A map that one manager owns as a whole. Only looked at for maps. */
  readonly atomic: boolean;
  /** Values that stand in for absent key fields of a list's items. */
  readonly keyDefaults: Readonly<Record<string, unknown>>;
  field(name: string): MergeType;
  item(): MergeType;
}

/** Lists of built-in kinds by the name of the field that holds them. Source: the kinds' `+listMapKey` and `+listType` markers. */
const KEYED_LISTS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  schedulingGates: ['name'],
  resourceClaims: ['name'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  podIPs: ['ip'],
  addresses: ['type'],
  conditions: ['type'],
  ownerReferences: ['uid'],
  secrets: ['name'],
};

const ATOMIC_MAPS: ReadonlySet<string> = new Set([
  'selector',
  'nodeSelector',
  'labelSelector',
  'podSelector',
  'namespaceSelector',
  'secretKeyRef',
  'configMapKeyRef',
  'fieldRef',
  'resourceFieldRef',
  'roleRef',
  'targetRef',
  'regarding',
  'related',
]);

class BuiltinType implements MergeType {
  readonly #name: string;
  readonly #parent: string;
  readonly #kind: string;

  constructor(kind: string, name: string, parent: string) {
    this.#kind = kind;
    this.#name = name;
    this.#parent = parent;
  }

  get list(): MergeType['list'] {
    if (this.#name === 'finalizers' && this.#parent === 'metadata') return 'set';
    if (this.#name === 'ports') {
      if (KEYED_LISTS[this.#parent] !== undefined) return ['containerPort', 'protocol'];
      return this.#kind === 'Service' ? ['port', 'protocol'] : 'atomic';
    }
    return KEYED_LISTS[this.#name] ?? 'atomic';
  }

  get atomic(): boolean {
    return ATOMIC_MAPS.has(this.#name);
  }

  get keyDefaults(): Readonly<Record<string, unknown>> {
    return this.#name === 'ports' ? { protocol: 'TCP' } : {};
  }

  field(name: string): MergeType {
    return new BuiltinType(this.#kind, name, this.#name);
  }

  /** An item keeps its list's name, so that a container's `ports` know whose they are. */
  item(): MergeType {
    return this;
  }
}

/** The merge type of a kind without a schema: that of the built-in kinds. */
export function builtinType(kind: string): MergeType {
  return new BuiltinType(kind, '', '');
}

class SchemaType implements MergeType {
  readonly #schema: OpenApiSchema;

  constructor(schema: OpenApiSchema) {
    this.#schema = schema;
  }

  get list(): MergeType['list'] {
    const type = this.#schema['x-kubernetes-list-type'];
    if (type === 'set') return 'set';
    return type === 'map' ? (this.#schema['x-kubernetes-list-map-keys'] ?? 'atomic') : 'atomic';
  }

  get atomic(): boolean {
    return this.#schema['x-kubernetes-map-type'] === 'atomic';
  }

  get keyDefaults(): Readonly<Record<string, unknown>> {
    const properties = Object.entries(this.#schema.items?.properties ?? {});
    return Object.fromEntries(
      properties.flatMap(([key, { default: value }]) => (value === undefined ? [] : [[key, value]])),
    );
  }

  field(name: string): MergeType {
    const { properties, additionalProperties } = this.#schema;
    const schema = properties?.[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : {});
    return new SchemaType(schema);
  }

  item(): MergeType {
    return new SchemaType(this.#schema.items ?? {});
  }
}

/** The merge type of a custom resource; its metadata merges like everybody's. */
export function schemaType(schema: OpenApiSchema): MergeType {
  const own = new SchemaType(schema);
  const builtin = builtinType('');
  return {
    list: 'atomic',
    atomic: false,
    keyDefaults: {},
    field: (name) => (name === 'metadata' ? builtin.field(name) : own.field(name)),
    item: () => own,
  };
}
