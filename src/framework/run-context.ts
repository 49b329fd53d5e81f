import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { ClusterClient } from '../cluster/client.ts';
import { CustomResourceDefinitions, type CustomResourceDefinition } from '../cluster/kinds.ts';
import type { KubernetesObject, ObjectRef } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import { AppliedSetResult } from './applied-set.ts';
import { undefinedIfNotFound } from './apply-object.ts';
import { applyAll, type ApplyAllOptions } from './apply-objects.ts';
import type { Cause } from './cause.ts';
import type { AppliedObjects, ApplySetOptions, EventType, ReadListOptions, SourceContext } from './context.ts';
import { parseApiVersion } from './object-identity.ts';
import { selected } from './tracked-reads.ts';
import type { Run } from './work.ts';

/** The context of a source controller's run, and what all contexts have in common. */
export class RunContext<Deps> implements SourceContext<Deps> {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deps: Deps;
  readonly attempt: number;
  readonly causes: readonly Cause[];
  readonly client: ClusterClient;
  protected readonly controller: string;
  protected readonly run: Run;

  constructor(controller: string, run: Run, deps: Deps) {
    this.controller = controller;
    this.run = run;
    this.deps = deps;
    this.key = run.key;
    this.signal = run.signal;
    this.clock = run.clock;
    this.log = run.log;
    this.attempt = run.attempt;
    this.causes = run.causes;
    this.client = run.client;
  }

  async read<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> {
    this.run.reads.object(resource, ref);
    return (await this.run.caches.store(resource, this.signal)).get(ref);
  }

  async list<T extends KubernetesObject>(resource: Resource<T>, options: ReadListOptions = {}): Promise<T[]> {
    this.run.reads.list(resource, options);
    const store = await this.run.caches.store(resource, this.signal);
    return store.list(options.namespace).filter((object) => selected(object, options));
  }

  readLive<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> {
    return this.client.get(resource, ref).catch(undefinedIfNotFound);
  }

  async apply(objects: Iterable<KubernetesObject>, options: ApplySetOptions = {}): Promise<AppliedObjects> {
    const { results } = await applyAll(objects, {
      ...this.applyOptions(options),
      membership: undefined,
      ownerReferenceFor: () => undefined,
    });
    const applied = new AppliedSetResult(results, [], []);
    await this.awaitKinds(applied);
    return applied;
  }

  event(type: EventType, reason: string, message: string, regarding: KubernetesObject): void {
    this.run.events.record({ controller: this.controller, type, reason, message, regarding });
  }

  protected applyOptions(options: ApplySetOptions): Omit<ApplyAllOptions, 'membership' | 'ownerReferenceFor'> {
    return {
      client: this.client,
      signal: this.signal,
      fieldManager: this.controller,
      force: options.force ?? true,
      dryRun: options.dryRun ?? false,
      adopt: options.adopt ?? false,
      recreate: options.recreate ?? false,
      defaultNamespace: options.defaultNamespace,
    };
  }

  /** Has the key run again as soon as a definition of a kind appears or changes that the server did not know. */
  protected async awaitKinds(applied: AppliedObjects): Promise<void> {
    const unknown = applied.failures.filter(({ error }) => error.code === 'K3S_APPLY_UNKNOWN_KIND');
    for (const { object } of unknown) {
      const { group } = parseApiVersion(object.apiVersion);
      this.run.reads.where(CustomResourceDefinitions, `for ${object.kind}.${group}`, (definition) => {
        const { spec } = definition as CustomResourceDefinition;
        return spec.group === group && spec.names.kind === object.kind;
      });
    }
    if (unknown.length === 0) return;
    // Opening the cache is what makes its changes known; without it the key still runs again after its back-off.
    await this.run.caches.store(CustomResourceDefinitions, this.signal).catch((error: unknown) => {
      this.log.debug('definitions cannot be watched', { error });
    });
  }
}
