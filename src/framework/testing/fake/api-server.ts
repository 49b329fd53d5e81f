import { isDeepStrictEqual } from 'node:util';
import type { DeleteOptions, ObjectList, Patch } from '../../../cluster/client.ts';
import type { ObjectMeta, ObjectRef } from '../../../cluster/object.ts';
import { apiVersionOf, type Resource } from '../../../cluster/resource.ts';
import type { Clock } from '../../../core/clock.ts';
import type { Random } from '../../../core/random.ts';
import { admitted, refuseTerminating } from './admission.ts';
import { alreadyExists, badRequest, conflict, Failure, groupResource, invalid, notFound } from './failure.ts';
import { fieldsOf } from './field-set.ts';
import { type Change, History } from './history.ts';
import { jsonPatched } from './json-patch.ts';
import { KindTable, mergeTypeOf, type ServedKind } from './kind-table.ts';
import { mergePatched, mergeStrategically } from './merge.ts';
import { ObjectTable, rendered, type StoredRecord } from './object-table.ts';
import { apply, type ManagerEntry, ownAfterUpdate, type Writer } from './ownership.ts';
import { Pager, type Selected } from './pager.ts';
import {
  changesGeneration,
  checkApplied,
  checkIdentity,
  isFinished,
  refOfObject,
  withinSubresource,
} from './write-rules.ts';
import { isFields, type Stored } from './value.ts';

/** Who writes and how; the same for all verbs. */
export interface WriteContext {
  manager: string;
  dryRun: boolean;
  /** '' for the object itself. */
  subresource: string;
}

const NAMESPACES = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces' } as const;

/**
 * The synchronous heart of the fake cluster: what a kube-apiserver does to stored objects, verb by verb, in memory.
 * Everything it hands out is a copy; every refusal is a Failure.
 */
export class ApiServer {
  readonly kinds = new KindTable();
  readonly history = new History();
  readonly objects = new ObjectTable();
  readonly #pager = new Pager();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: { clock: Clock; random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  get(resource: Resource, ref: ObjectRef): Stored {
    const kind = this.kinds.served(resource);
    return rendered(this.#existing(kind, ref), kind, resource.version);
  }

  list(resource: Resource, selected: Selected): ObjectList<Stored> {
    const kind = this.kinds.served(resource);
    const page = this.#pager.page(selected, this.history.revision, () => this.objects.list(kind, selected.namespace));
    const items = page.records.map((record) => rendered(record, kind, resource.version));
    return {
      items,
      resourceVersion: String(page.revision),
      ...(page.continue === undefined ? {} : { continue: page.continue }),
    };
  }

  create(resource: Resource, object: Stored, context: WriteContext): Stored {
    const kind = this.kinds.served(resource);
    if (object.metadata.resourceVersion !== undefined && object.metadata.resourceVersion !== '') {
      throw new Failure(500, {
        reason: 'InternalError',
        message: 'resourceVersion should not be set on objects to be created',
      });
    }
    const record = this.#created(kind, resource.version, object, context, (stored) =>
      ownAfterUpdate(
        [],
        new Map(),
        fieldsOf(stored, mergeTypeOf(kind, resource.version)),
        this.#writer(resource, context, 'Update'),
      ),
    );
    return rendered(record, kind, resource.version);
  }

  replace(resource: Resource, object: Stored, context: WriteContext): Stored {
    const kind = this.kinds.served(resource);
    if (kind.custom && (object.metadata.resourceVersion ?? '') === '') {
      throw invalid(kind, object.metadata.name ?? '', [
        { field: 'metadata.resourceVersion', message: 'Invalid value: 0: must be specified for an update' },
      ]);
    }
    return this.#update(resource, refOfObject(object), () => structuredClone(object), context, true);
  }

  patch(resource: Resource, ref: ObjectRef, patch: Patch, context: WriteContext): Stored {
    const kind = this.kinds.served(resource);
    if (patch.type === 'strategic' && kind.custom) {
      throw new Failure(415, {
        reason: 'UnsupportedMediaType',
        message:
          'the body of the request was in an unknown format - accepted media types include: ' +
          'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      });
    }
    const type = mergeTypeOf(kind, resource.version);
    return this.#update(
      resource,
      ref,
      (live) => {
        const body = structuredClone(patch.body);
        if (patch.type === 'json') return jsonPatched(live, Array.isArray(body) ? body : []) as Stored;
        return (patch.type === 'merge' ? mergePatched(live, body) : mergeStrategically(live, body, type)) as Stored;
      },
      context,
    );
  }

  apply(
    resource: Resource,
    applied: Stored,
    context: WriteContext & { force: boolean },
  ): { object: Stored; created: boolean } {
    const kind = this.kinds.served(resource);
    const { version } = resource;
    checkApplied(applied, context.manager);
    const writer = this.#writer(resource, context, 'Apply');
    const wanted = withinSubresource(structuredClone(applied), kind, context.subresource);
    const live = this.objects.get(kind, refOfObject(applied));
    const type = mergeTypeOf(kind, version);
    if (live === undefined) {
      const { name = '', uid = '' } = applied.metadata;
      if (context.subresource !== '') throw notFound(kind, name);
      const mismatch = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
      if (uid !== '') throw conflict(kind, name, mismatch);
      const record = this.#created(kind, version, wanted, context, (stored) => {
        const stays = fieldsOf(stored, type);
        return [{ ...writer, fields: new Set([...fieldsOf(wanted, type).keys()].filter((path) => stays.has(path))) }];
      });
      return { object: rendered(record, kind, version), created: true };
    }
    checkIdentity(kind, live.object, applied.metadata, false);
    const merged = apply(live.object, live.managers, wanted, type, writer, context.force);
    const record = this.#updated(kind, version, live, merged.object as Stored, context, () => merged.managers);
    return { object: rendered(record, kind, version), created: false };
  }

  delete(resource: Resource, ref: ObjectRef, options: Omit<DeleteOptions, 'signal'> = {}): void {
    const kind = this.kinds.served(resource);
    const live = this.#existing(kind, ref);
    const { uid, resourceVersion } = live.object.metadata;
    const { preconditions = {} } = options;
    for (const [what, wanted, found] of [
      ['UID', preconditions.uid, uid],
      ['ResourceVersion', preconditions.resourceVersion, resourceVersion],
    ] as const) {
      if (wanted === undefined || wanted === found) continue;
      throw conflict(
        kind,
        ref.name,
        `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found ?? ''}`,
      );
    }
    // Jobs alone are orphaned unless the caller says otherwise, for compatibility with batch/v1's beginnings.
    const policy = options.propagationPolicy ?? (groupResource(kind) === 'jobs.batch' ? 'Orphan' : 'Background');
    const own = policy === 'Foreground' ? ['foregroundDeletion'] : policy === 'Orphan' ? ['orphan'] : [];
    const others = (live.object.metadata.finalizers ?? []).filter(
      (name) => name !== 'foregroundDeletion' && name !== 'orphan',
    );
    const finalizers = [...others, ...own];
    if (finalizers.length === 0 && kind.kind !== 'Namespace') {
      this.#remove(kind, live);
      return;
    }
    if (live.object.metadata.deletionTimestamp !== undefined) return;
    const object = structuredClone(live.object);
    if (finalizers.length > 0) object.metadata.finalizers = finalizers;
    object.metadata.deletionTimestamp = this.timestamp();
    object.metadata.deletionGracePeriodSeconds = 0;
    if (object.metadata.generation !== undefined) object.metadata.generation++;
    if (kind.kind === 'Namespace')
      object['status'] = { ...(isFields(object['status']) ? object['status'] : {}), phase: 'Terminating' };
    this.#commit(kind, 'MODIFIED', { object, managers: live.managers }, live);
  }

  /** A change made by the cluster itself: no ownership, no checks. Returning undefined removes the object. */
  amend(kind: ServedKind, ref: ObjectRef | string, change: (object: Stored) => Stored | undefined): void {
    const live = this.objects.get(kind, ref);
    if (live === undefined) return;
    const object = change(structuredClone(live.object));
    if (object === undefined || isFinished(object)) this.#remove(kind, live);
    else if (!isDeepStrictEqual(object, live.object))
      this.#commit(kind, 'MODIFIED', { object, managers: live.managers }, live);
  }

  /** Forgets history and the lists that continue tokens stand for. */
  compact(): void {
    this.history.compact();
    this.#pager.forget();
  }

  /** The time as objects carry it: RFC 3339, whole seconds. */
  timestamp(): string {
    return new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  #existing(kind: ServedKind, ref: ObjectRef): StoredRecord {
    const record = this.objects.get(kind, ref);
    if (record === undefined) throw notFound(kind, ref.name);
    return record;
  }

  #created(
    kind: ServedKind,
    version: string,
    object: Stored,
    context: WriteContext,
    manage: (stored: Stored) => ManagerEntry[],
  ): StoredRecord {
    const { managedFields: _, generateName, ...metadata } = object.metadata;
    const name = metadata.name ?? (generateName === undefined ? '' : generateName + this.#suffix());
    const namespace = this.#namespaceOf(kind, name, metadata.namespace);
    const { status, ...rest } = structuredClone(object);
    // A kubelet registers its node together with its status; everybody else's is ignored.
    const keepsStatus = status !== undefined && (!kind.status || kind.kind === 'Node');
    const complete: Stored = {
      ...rest,
      metadata: {
        ...structuredClone(metadata),
        name,
        ...(generateName === undefined ? {} : { generateName }),
        ...(namespace === undefined ? {} : { namespace }),
        uid: this.#uid(),
        creationTimestamp: this.timestamp(),
      },
      ...(keepsStatus ? { status } : {}),
    };
    delete complete.metadata.deletionTimestamp;
    delete complete.metadata.deletionGracePeriodSeconds;
    if (kind.generation) complete.metadata.generation = 1;
    else delete complete.metadata.generation;
    const stored = admitted(complete, kind, version);
    if (this.objects.get(kind, refOfObject(stored)) !== undefined) throw alreadyExists(kind, name);
    const record = { object: stored, managers: manage(stored) };
    return context.dryRun ? record : this.#commit(kind, 'ADDED', record, undefined);
  }

  #update(
    resource: Resource,
    ref: ObjectRef,
    change: (live: Stored) => Stored,
    context: WriteContext,
    isReplacement = false,
  ): Stored {
    const kind = this.kinds.served(resource);
    const { version } = resource;
    const live = this.#existing(kind, ref);
    const next = change(rendered({ ...live, managers: [] }, kind, version));
    checkIdentity(kind, live.object, next.metadata, isReplacement);
    const record = this.#updated(kind, version, live, next, context, (stored) => {
      const type = mergeTypeOf(kind, version);
      const writer = this.#writer(resource, context, 'Update');
      return ownAfterUpdate(live.managers, fieldsOf(live.object, type), fieldsOf(stored, type), writer);
    });
    return rendered(record, kind, version);
  }

  #updated(
    kind: ServedKind,
    version: string,
    live: StoredRecord,
    next: Stored,
    context: WriteContext,
    manage: (stored: Stored) => ManagerEntry[],
  ): StoredRecord {
    const stored = admitted(this.#successor(kind, live.object, next, context.subresource), kind, version, live.object);
    if (kind.generation && stored.metadata.generation !== undefined && changesGeneration(kind, live.object, stored)) {
      stored.metadata.generation++;
    }
    const record = { object: stored, managers: manage(stored) };
    const sameManagers =
      record.managers.length === live.managers.length &&
      record.managers.every((entry) => live.managers.includes(entry));
    if (sameManagers && isDeepStrictEqual(stored, live.object)) return live;
    if (context.dryRun) return record;
    if (isFinished(stored)) return this.#remove(kind, record);
    return this.#commit(kind, 'MODIFIED', record, live);
  }

  /** What a writer may change, on top of what it may not. */
  #successor(kind: ServedKind, live: Stored, next: Stored, subresource: string): Stored {
    if (subresource !== '' && subresource !== 'status')
      throw badRequest(`the fake cluster does not serve the sub-resource ${subresource}`);
    if (subresource === 'status') {
      if (!kind.status) throw notFound(kind, live.metadata.name ?? '');
      const { status: _, ...rest } = structuredClone(live);
      return next['status'] === undefined ? rest : { ...rest, status: structuredClone(next['status']) };
    }
    const { status, ...rest } = next;
    const kept = kind.status ? live['status'] : status;
    const { labels, annotations, ownerReferences, finalizers } = next.metadata;
    const metadata: ObjectMeta = { ...live.metadata };
    delete metadata.labels;
    delete metadata.annotations;
    delete metadata.ownerReferences;
    delete metadata.finalizers;
    return {
      ...rest,
      apiVersion: live.apiVersion,
      kind: live.kind,
      metadata: {
        ...metadata,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(ownerReferences === undefined || ownerReferences.length === 0 ? {} : { ownerReferences }),
        ...(finalizers === undefined || finalizers.length === 0 ? {} : { finalizers }),
      },
      ...(kept === undefined ? {} : { status: kept }),
    };
  }

  #remove(kind: ServedKind, record: StoredRecord): StoredRecord {
    return this.#commit(kind, 'DELETED', record, this.objects.get(kind, refOfObject(record.object)));
  }

  #commit(
    kind: ServedKind,
    type: Change['type'],
    record: StoredRecord,
    previous: StoredRecord | undefined,
  ): StoredRecord {
    const revision = this.history.nextRevision;
    const object = { ...record.object, metadata: { ...record.object.metadata, resourceVersion: String(revision) } };
    const committed = { object, managers: record.managers };
    if (type === 'DELETED') this.objects.remove(kind, committed);
    else this.objects.put(kind, committed);
    this.history.append({ revision, type, kind, record: committed, previous });
    return committed;
  }

  #namespaceOf(kind: ServedKind, name: string, namespace: string | undefined): string | undefined {
    if (kind.scope === 'Cluster') return undefined;
    const found = this.objects.get(this.kinds.served(NAMESPACES), namespace ?? '');
    if (found === undefined) throw notFound(NAMESPACES, namespace ?? '');
    refuseTerminating(kind, name, found.object);
    return namespace;
  }

  #writer(resource: Resource, context: WriteContext, operation: Writer['operation']): Writer {
    const { manager, subresource } = context;
    return { manager, operation, subresource, apiVersion: apiVersionOf(resource), time: this.timestamp() };
  }

  #suffix(): string {
    const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
    return Array.from({ length: 5 }, () => alphabet[Math.floor(this.#random.next() * alphabet.length)]).join('');
  }

  #uid(): string {
    const digits = Array.from({ length: 32 }, () => Math.floor(this.#random.next() * 16).toString(16)).join('');
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  }
}
