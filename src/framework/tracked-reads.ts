import { keyOf, type KubernetesObject, type ObjectRef } from '../cluster/object.ts';
import { groupKind, type Resource } from '../cluster/resource.ts';
import type { Delta } from '../cluster/store.ts';
import { kindId } from './caches.ts';
import { causeOf, type Cause } from './cause.ts';
import type { ReadListOptions } from './context.ts';

/** Something that a key depends on. */
interface Dependency {
  /** Equal for equal dependencies. */
  readonly id: string;
  /** One object (`kind key`) or all objects of a kind (`kind`). */
  readonly bucket: string;
  readonly change: Cause['change'] | undefined;
  matters(delta: Delta): boolean;
}

/**
 * Which keys run again when an object changes, learned from what their runs read. A dependency counts from the moment of the read, so
 * nothing is missed between the read and the end of the run; what the run before read and this one did not is dropped at its end.
 */
export class TrackedReads {
  readonly #enqueue: (key: string, cause: Cause) => void;
  /** Bucket → key → its dependencies there, by id. */
  readonly #buckets = new Map<string, Map<string, Map<string, Dependency>>>();
  readonly #byKey = new Map<string, ReadonlyMap<string, Dependency>>();

  constructor(enqueue: (key: string, cause: Cause) => void) {
    this.#enqueue = enqueue;
  }

  /** The reads of a run that begins. */
  begin(key: string): ReadSet {
    const before = this.#byKey.get(key) ?? new Map<string, Dependency>();
    const now = new Map<string, Dependency>();
    return new ReadSet(
      (dependency) => {
        now.set(dependency.id, dependency);
        this.#link(key, dependency);
      },
      () => {
        for (const dependency of before.values()) if (!now.has(dependency.id)) this.#unlink(key, dependency);
        if (now.size === 0) this.#byKey.delete(key);
        else this.#byKey.set(key, now);
      },
    );
  }

  /** Queues the keys that depend on what changed. */
  changed(resource: Resource, delta: Delta): void {
    const kind = kindId(resource);
    for (const bucket of [`${kind} ${delta.key}`, kind]) {
      for (const [key, dependencies] of this.#buckets.get(bucket) ?? []) {
        for (const dependency of dependencies.values()) {
          if (!dependency.matters(delta)) continue;
          const { change, detail, source } = causeOf(delta, groupKind(resource));
          this.#enqueue(key, { source, change: dependency.change ?? change, detail });
        }
      }
    }
  }

  /** For people: `Secret kube-system/token`. */
  of(key: string): string[] {
    return [...(this.#byKey.get(key)?.keys() ?? [])];
  }

  #link(key: string, dependency: Dependency): void {
    const keys = this.#buckets.get(dependency.bucket) ?? new Map<string, Map<string, Dependency>>();
    const dependencies = keys.get(key) ?? new Map<string, Dependency>();
    this.#buckets.set(dependency.bucket, keys.set(key, dependencies.set(dependency.id, dependency)));
  }

  #unlink(key: string, dependency: Dependency): void {
    const keys = this.#buckets.get(dependency.bucket);
    const dependencies = keys?.get(key);
    dependencies?.delete(dependency.id);
    if (dependencies?.size === 0) keys?.delete(key);
    if (keys?.size === 0) this.#buckets.delete(dependency.bucket);
  }
}

/** What one run has read. */
export class ReadSet {
  readonly #add: (dependency: Dependency) => void;
  /** The run has ended: forget what only earlier runs read. */
  readonly commit: () => void;

  constructor(add: (dependency: Dependency) => void, commit: () => void) {
    this.#add = add;
    this.commit = commit;
  }

  object(resource: Resource, ref: ObjectRef): void {
    const key = keyOf(ref);
    this.#add({
      id: `${groupKind(resource)} ${key}`,
      bucket: `${kindId(resource)} ${key}`,
      change: undefined,
      matters: () => true,
    });
  }

  list(resource: Resource, options: ReadListOptions): void {
    const labels = Object.entries(options.labels ?? {}).map(([name, value]) => `${name}=${value}`);
    const where = [...(options.namespace === undefined ? [] : [`in ${options.namespace}`]), ...labels.sort()];
    this.where(resource, ['all', ...where].join(' '), (object) => selected(object, options));
  }

  /** Objects of a kind for which `matches` is true, before or after the change. `description` tells such reads of a kind apart. */
  where(resource: Resource, description: string, matches: (object: KubernetesObject) => boolean): void {
    this.#add({
      id: `${groupKind(resource)} ${description}`,
      bucket: kindId(resource),
      change: undefined,
      matters: (delta) => matches(delta.object) || (delta.type === 'updated' && matches(delta.previous)),
    });
  }

  /** Only changes after which `holds` is true of the object, or throws. */
  until(resource: Resource, ref: ObjectRef, holds: (object: KubernetesObject | undefined) => boolean): void {
    const key = keyOf(ref);
    this.#add({
      id: `${groupKind(resource)} ${key} (waiting)`,
      bucket: `${kindId(resource)} ${key}`,
      change: 'condition met',
      matters: (delta) => {
        try {
          return holds(delta.type === 'deleted' ? undefined : delta.object);
        } catch {
          // The run that this causes asks the predicate again and reports what it throws.
          return true;
        }
      },
    });
  }
}

/** Whether `list` with these options shows the object. */
export function selected(object: KubernetesObject, options: ReadListOptions): boolean {
  const { namespace, labels = {} } = object.metadata;
  if (options.namespace !== undefined && namespace !== options.namespace) return false;
  return Object.entries(options.labels ?? {}).every(([name, value]) => labels[name] === value);
}
