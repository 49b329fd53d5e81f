import { keyOf, type KubernetesObject } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import type { Index } from '../cluster/store.ts';
import { applySet } from './apply-set.ts';
import type { ConditionChange } from './conditions.ts';
import type { AppliedSet, ApplySetOptions, ConditionStatus, EventType, ReconcileContext, StatusOf } from './context.ts';
import { KindRecord } from './kind-record.ts';
import { RunContext } from './run-context.ts';
import { membershipOf, ownersOf } from './set-membership.ts';
import { patchStatus } from './status-patch.ts';
import type { Run } from './work.ts';

const DEFAULT_ANNOTATION = 'objectset.rio.cattle.io/group-kinds';

export interface Primary<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly object: T;
  readonly groupKindsAnnotation: string | undefined;
}

/** The context of a run for a Kubernetes object. */
export class ObjectContext<Deps, T extends KubernetesObject>
  extends RunContext<Deps>
  implements ReconcileContext<Deps, T>
{
  readonly #primary: Primary<T>;
  /** The primary with what this run has written to its status. */
  #current: T;
  readonly #conditions = new Map<string, ConditionChange>();
  readonly #records = new Map<string, KindRecord>();

  constructor(controller: string, run: Run, deps: Deps, primary: Primary<T>) {
    super(controller, run, deps);
    this.#primary = primary;
    this.#current = primary.object;
  }

  async owned<O extends KubernetesObject>(resource: Resource<O>): Promise<O[]> {
    const { resource: kind, object } = this.#primary;
    const key = keyOf(object);
    const index = ownerIndex(kind);
    this.run.reads.where(resource, `of ${kind.kind} ${key}`, (other) => index.values(other).includes(key));
    const store = await this.run.caches.store(resource, this.signal);
    return store.byIndex(index, key);
  }

  override async apply(objects: Iterable<KubernetesObject>, options: ApplySetOptions = {}): Promise<AppliedSet> {
    const { object } = this.#primary;
    const { set = '', prune = true, ownerReference = false } = options;
    const common = this.applyOptions(options);
    const applied = await applySet([...objects], {
      ...common,
      defaultNamespace: common.defaultNamespace ?? object.metadata.namespace,
      membership: membershipOf(object, set),
      prune,
      ownerReference,
      owner: this.#primary,
      record: this.#recordOf(set),
    });
    await this.awaitKinds(applied);
    return applied;
  }

  async patchStatus(status: StatusOf<T>): Promise<void> {
    const conditions = [...this.#conditions.values()];
    this.#conditions.clear();
    this.#current = await patchStatus(this.client, this.#primary.resource, this.#current, {
      status,
      conditions,
      generation: this.#primary.object.metadata.generation,
      now: this.clock.now(),
    });
  }

  condition(type: string, status: ConditionStatus, reason: string, message: string): void {
    this.#conditions.set(type, { type, status, reason, message });
  }

  override event(type: EventType, reason: string, message: string, regarding?: KubernetesObject): void {
    super.event(type, reason, message, regarding ?? this.#primary.object);
  }

  /** Writes the conditions that have been set and not been written. */
  async flush(): Promise<void> {
    if (this.#conditions.size > 0) await this.patchStatus({} as StatusOf<T>);
  }

  #recordOf(set: string): KindRecord {
    const { groupKindsAnnotation: annotation = DEFAULT_ANNOTATION } = this.#primary;
    const record =
      this.#records.get(set) ?? new KindRecord(this.#primary, set === '' ? annotation : `${annotation}.${set}`);
    this.#records.set(set, record);
    return record;
  }
}

/** An index is told apart by identity, so there is one for each kind of owner. */
const ownerIndexes = new WeakMap<Resource, Index>();

/** Finds objects by the key of the object of this kind that they belong to. */
function ownerIndex(owner: Resource): Index {
  let index = ownerIndexes.get(owner);
  if (index === undefined) {
    index = { name: `owner ${owner.kind}`, values: (object) => [...new Set(ownersOf(object, owner).map(keyOf))] };
    ownerIndexes.set(owner, index);
  }
  return index;
}
