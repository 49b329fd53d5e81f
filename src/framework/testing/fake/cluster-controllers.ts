import type { CustomResourceDefinition } from '../../../cluster/kinds.ts';
import { keyOf, type OwnerReference, refOf } from '../../../cluster/object.ts';
import type { OpenApiSchema } from '../../../cluster/open-api-schema.ts';
import type { ApiServer } from './api-server.ts';
import { groupResource } from './failure.ts';
import type { Change } from './history.ts';
import type { ServedKind } from './kind-table.ts';
import type { StoredRecord } from './object-table.ts';
import type { Stored } from './value.ts';

const CRD_CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

/**
 * What a real cluster's own controllers do that clients count on: establishing custom kinds, collecting the dependents of deleted
 * owners, emptying namespaces. Works through a queue of objects, one at a time, some time after the change that concerns them.
 */
export class ClusterControllers {
  readonly #server: ApiServer;
  readonly #later: (run: () => void) => void;
  readonly #onWithdrawn: (kind: ServedKind) => void;
  readonly #due = new Map<string, { kind: ServedKind; key: string }>();
  readonly #dependents = new Map<string, Map<string, { kind: ServedKind; key: string }>>();
  #scheduled = false;

  constructor(options: {
    server: ApiServer;
    later: (run: () => void) => void;
    onWithdrawn: (kind: ServedKind) => void;
  }) {
    this.#server = options.server;
    this.#later = options.later;
    this.#onWithdrawn = options.onWithdrawn;
    options.server.history.subscribe((change) => this.#note(change));
  }

  /** Does everything that is due, now. */
  flush(): void {
    for (;;) {
      const [next] = this.#due;
      if (next === undefined) return;
      this.#due.delete(next[0]);
      this.#reconcile(next[1].kind, next[1].key);
    }
  }

  #note({ kind, type, record, previous }: Change): void {
    const { object } = record;
    const key = keyOf(object);
    const id = `${groupResource(kind)}/${key}`;
    for (const { uid } of previous?.object.metadata.ownerReferences ?? []) this.#dependents.get(uid)?.delete(id);
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(uid) ?? new Map<string, { kind: ServedKind; key: string }>();
      this.#dependents.set(uid, dependents);
      if (type === 'DELETED') dependents.delete(id);
      else dependents.set(id, { kind, key });
    }
    if (type === 'DELETED') {
      for (const dependent of this.#dependents.get(object.metadata.uid ?? '')?.values() ?? [])
        this.#enqueue(dependent.kind, dependent.key);
      this.#enqueueWaiting(object);
    } else if (needsCare(kind, object)) {
      this.#enqueue(kind, key);
    }
  }

  /** Whatever waits for the disappearance of this object: its namespace, its kind's definition, owners being deleted. */
  #enqueueWaiting({ apiVersion, kind, metadata }: Stored): void {
    const namespaces = this.#server.kinds.find('', 'Namespace');
    if (namespaces !== undefined && metadata.namespace !== undefined) this.#enqueue(namespaces, metadata.namespace);
    for (const owner of metadata.ownerReferences ?? []) {
      const ownerKind = this.#server.kinds.find(groupOf(owner.apiVersion), owner.kind);
      if (ownerKind !== undefined) this.#enqueue(ownerKind, ownerKey(owner, ownerKind, metadata.namespace));
    }
    const definitions = this.#server.kinds.find('apiextensions.k8s.io', 'CustomResourceDefinition');
    const served = this.#server.kinds.find(groupOf(apiVersion), kind);
    if (definitions !== undefined && served?.custom === true) this.#enqueue(definitions, groupResource(served));
  }

  #enqueue(kind: ServedKind, key: string): void {
    this.#due.set(`${groupResource(kind)}/${key}`, { kind, key });
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #reconcile(kind: ServedKind, key: string): void {
    const record = this.#server.objects.get(kind, key);
    if (record === undefined) return;
    if (kind.kind === 'CustomResourceDefinition') this.#define(kind, key, record);
    if (kind.kind === 'Namespace') this.#emptyNamespace(kind, key, record);
    const { deletionTimestamp, finalizers = [], ownerReferences = [] } = record.object.metadata;
    if (deletionTimestamp !== undefined && finalizers.includes('foregroundDeletion'))
      this.#deleteDependents(kind, key, record);
    if (deletionTimestamp !== undefined && finalizers.includes('orphan')) this.#orphanDependents(kind, key, record);
    if (ownerReferences.length > 0 && ownerReferences.every((owner) => this.#isAbsent(owner))) this.#delete(kind, key);
  }

  /** Owners of kinds that the fake does not know are taken to exist. */
  #isAbsent(owner: OwnerReference): boolean {
    return (
      this.#server.kinds.find(groupOf(owner.apiVersion), owner.kind) !== undefined &&
      !this.#server.objects.has(owner.uid)
    );
  }

  #define(kind: ServedKind, key: string, record: StoredRecord): void {
    const definition = record.object as unknown as CustomResourceDefinition;
    const { group, names, scope, versions } = definition.spec;
    const servedSince = this.#server.kinds.find(group, names.kind)?.servedSince ?? this.#server.history.revision;
    const served: ServedKind = {
      servedSince,
      group,
      kind: names.kind,
      plural: names.plural,
      scope: scope === 'Cluster' ? 'Cluster' : 'Namespaced',
      versions: versions.filter((version) => version.served).map((version) => version.name),
      status: versions.some((version) => version.subresources?.status !== undefined),
      generation: true,
      custom: true,
      schemas: Object.fromEntries(
        versions.map((version): [string, OpenApiSchema] => [version.name, version.schema?.openAPIV3Schema ?? {}]),
      ),
    };
    if (definition.metadata.deletionTimestamp !== undefined) {
      const instances = this.#server.objects.list(served);
      for (const { object } of instances) this.#delete(served, keyOf(object));
      if (this.#server.objects.list(served).length > 0) return;
      if (this.#server.kinds.withdraw(served)) this.#onWithdrawn(served);
      this.#server.amend(kind, key, (object) => withoutFinalizer(object, CRD_CLEANUP));
      return;
    }
    this.#server.kinds.serve(served);
    this.#server.amend(kind, key, (object) => established(object, definition, this.#server.timestamp()));
  }

  #emptyNamespace(kind: ServedKind, key: string, record: StoredRecord): void {
    if (record.object.metadata.deletionTimestamp === undefined) return;
    let left = 0;
    for (const content of this.#server.kinds.namespaced()) {
      for (const { object } of this.#server.objects.list(content, key)) this.#delete(content, keyOf(object));
      left += this.#server.objects.list(content, key).length;
    }
    if (left === 0 && (record.object.metadata.finalizers ?? []).length === 0)
      this.#server.amend(kind, key, () => undefined);
  }

  #deleteDependents(kind: ServedKind, key: string, record: StoredRecord): void {
    const uid = record.object.metadata.uid ?? '';
    for (const dependent of this.#dependents.get(uid)?.values() ?? []) this.#delete(dependent.kind, dependent.key);
    const blocking = [...(this.#dependents.get(uid)?.values() ?? [])].filter((dependent) => {
      const owners = this.#server.objects.get(dependent.kind, dependent.key)?.object.metadata.ownerReferences ?? [];
      return owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true);
    });
    if (blocking.length === 0)
      this.#server.amend(kind, key, (object) => withoutFinalizer(object, 'foregroundDeletion'));
  }

  #orphanDependents(kind: ServedKind, key: string, record: StoredRecord): void {
    const uid = record.object.metadata.uid ?? '';
    for (const dependent of this.#dependents.get(uid)?.values() ?? []) {
      this.#server.amend(dependent.kind, dependent.key, (object) => withoutOwner(object, uid));
    }
    this.#dependents.delete(uid);
    this.#server.amend(kind, key, (object) => withoutFinalizer(object, 'orphan'));
  }

  #delete(kind: ServedKind, key: string): void {
    const resource = { ...kind, version: kind.versions[0] ?? '' };
    if (this.#server.objects.get(kind, key)?.object.metadata.deletionTimestamp !== undefined) return;
    this.#server.delete(resource, refOf(key), { propagationPolicy: 'Background' });
  }
}

function needsCare(kind: ServedKind, { metadata }: Stored): boolean {
  return (
    metadata.deletionTimestamp !== undefined ||
    (metadata.ownerReferences ?? []).length > 0 ||
    kind.kind === 'CustomResourceDefinition'
  );
}

function established(object: Stored, { spec, status }: CustomResourceDefinition, now: string): Stored {
  const condition = (type: string, reason: string): unknown =>
    status?.conditions?.find((present) => present.type === type) ?? {
      type,
      status: 'True',
      reason,
      message: '',
      lastTransitionTime: now,
    };
  const finalizers = new Set([...(object.metadata.finalizers ?? []), CRD_CLEANUP]);
  return {
    ...object,
    metadata: { ...object.metadata, finalizers: [...finalizers] },
    status: {
      acceptedNames: spec.names,
      storedVersions: spec.versions.filter((version) => version.storage).map((version) => version.name),
      conditions: [condition('NamesAccepted', 'NoConflicts'), condition('Established', 'InitialNamesAccepted')],
    },
  };
}

function withoutFinalizer(object: Stored, finalizer: string): Stored {
  const { finalizers = [], ...metadata } = object.metadata;
  const kept = finalizers.filter((name) => name !== finalizer);
  return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, finalizers: kept } };
}

function withoutOwner(object: Stored, uid: string): Stored {
  const { ownerReferences = [], ...metadata } = object.metadata;
  const kept = ownerReferences.filter((owner) => owner.uid !== uid);
  return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } };
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

function ownerKey(owner: OwnerReference, kind: ServedKind, namespace: string | undefined): string {
  return kind.scope === 'Cluster' || namespace === undefined ? owner.name : `${namespace}/${owner.name}`;
}
