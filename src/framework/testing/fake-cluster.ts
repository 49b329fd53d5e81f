import { ApiError, unreachable } from '../../cluster/api-error.ts';
import type {
  Applied,
  ApplyOptions,
  ClusterClient,
  DeleteOptions,
  ListOptions,
  ObjectList,
  Patch,
  RawOptions,
  RequestOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../cluster/client.ts';
import { keyOf, type KubernetesObject, type ObjectRef } from '../../cluster/object.ts';
import type { OpenApiSchema } from '../../cluster/open-api-schema.ts';
import { collectionPathOf, pathOf } from '../../cluster/path.ts';
import { apiVersionOf, type Resource } from '../../cluster/resource.ts';
import type { Clock } from '../../core/clock.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import { ApiServer, type WriteContext } from './fake/api-server.ts';
import { ClusterControllers } from './fake/cluster-controllers.ts';
import { Failure, groupResource, unknownPath } from './fake/failure.ts';
import { type Fault, FaultPlan, failureOf, type Verb } from './fake/faults.ts';
import { fieldMatcher, labelMatcher } from './fake/selectors.ts';
import { type Call, type TranscriptOptions, transcriptOf } from './fake/transcript.ts';
import type { Stored } from './fake/value.ts';
import { WatchHub } from './fake/watch-hub.ts';
import { iterate } from './fake/watch-stream.ts';

export type { Fault, Verb } from './fake/faults.ts';
export type { Call, TranscriptOptions } from './fake/transcript.ts';

export interface FakeClusterOptions {
  clock: Clock;
  /** Names, uids and the chances of faults; the same for the same seed. */
  random?: Random;
  /** What is there from the start; see `load`. */
  objects?: readonly KubernetesObject[];
  /** Milliseconds until the cluster's own controllers (garbage collection, namespaces, custom kinds) act. 0: a turn later. */
  controllerDelay?: number;
}

/** A request on its way through the fake. */
interface Request {
  verb: Verb;
  resource?: Resource;
  /** For ApiErrors: method and path of the HTTP request that this would be. */
  method: string;
  path: string;
  ref: Partial<ObjectRef>;
  details?: readonly string[];
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** The manager that the API server makes of our user agent when a write names none. */
const DEFAULT_MANAGER = 'k3s-ts';

/**
 * A Kubernetes API server in memory, with the controllers that clients count on. It answers as a real one does, byte by byte where
 * it matters to controllers: resource versions, watches with bookmarks and initial events, 410 after compaction, paging, conflicts,
 * finalizers, owner references, status sub-resources, generations, server-side apply with managers, dry run, custom kinds with
 * schemas. `test/cluster/conformance` runs the same scenarios against it and against a real kube-apiserver.
 *
 * It does not: authenticate or authorise; validate or default built-in kinds beyond names, labels, Secrets' stringData and a few
 * immutable fields; evaluate CEL rules; convert between versions except for the apiVersion; call webhooks; allocate cluster IPs;
 * delete pods gracefully, schedule or run anything; serve sub-resources other than status; create objects by PUT; expire continue
 * tokens by time; record the ownership of whole maps (the `.` of FieldsV1) for updates.
 */
export class FakeCluster implements ClusterClient {
  readonly #server: ApiServer;
  readonly #hub: WatchHub;
  readonly #controllers: ClusterControllers;
  readonly #faults: FaultPlan;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #calls: Call[] = [];
  #pending = 0;

  constructor(options: FakeClusterOptions) {
    const { clock, random = seededRandom(1), controllerDelay = 0 } = options;
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    this.#server = new ApiServer({ clock, random });
    this.#hub = new WatchHub(this.#server, clock);
    this.#faults = new FaultPlan(random);
    this.#controllers = new ClusterControllers({
      server: this.#server,
      later: (run) => (controllerDelay === 0 ? queueMicrotask(run) : void clock.timer(controllerDelay, run)),
      onWithdrawn: (kind) => this.#hub.drop({ ...kind, version: kind.versions[0] ?? '' }),
    });
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) this.#addNamespace(name);
    this.load(...(options.objects ?? []));
  }

  // ---- ClusterClient -------------------------------------------------------------------------------------------------------

  async get<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: RequestOptions = {},
  ): Promise<T> {
    const request = {
      verb: 'get',
      method: 'GET',
      resource,
      ref,
      path: pathOf(resource, ref),
      signal: options.signal,
    } as const;
    return this.#serve(request, () => ({ result: this.#server.get(resource, ref) as unknown as T }));
  }

  async list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const { namespace, labelSelector, fieldSelector, limit } = options;
    const ref = namespace === undefined ? {} : { namespace };
    const details = selectionDetails(options);
    const path = pathOf(resource, ref);
    return this.#serve({ verb: 'list', method: 'GET', resource, ref, path, details, signal: options.signal }, () => {
      this.#server.history.refuseFuture(Number(options.resourceVersion ?? 0));
      const inLabels = labelMatcher(labelSelector);
      const inFields = fieldMatcher(fieldSelector, groupResource(resource));
      const matches = (object: KubernetesObject): boolean => inLabels(object) && inFields(object);
      const list = this.#server.list(resource, { namespace, matches, limit, continue: options.continue });
      return { result: list as unknown as ObjectList<T> };
    });
  }

  watch<T extends KubernetesObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const { signal, namespace, resourceVersion } = options;
    const ref = namespace === undefined ? {} : { namespace };
    const details = [
      ...selectionDetails(options),
      resourceVersion === undefined ? '' : `from ${resourceVersion || 'now'}`,
    ];
    const events = iterate(async (left) => {
      const request: Request = {
        verb: 'watch',
        method: 'GET',
        resource,
        ref,
        path: pathOf(resource, ref),
        details,
        signal,
      };
      const stream = await this.#serve(request, () => ({ result: this.#hub.open(resource, options) }));
      for (const ending of [signal, left]) {
        const cancel = (): void => stream.cancel({ thrown: ending?.reason });
        if (ending?.aborted === true) cancel();
        else ending?.addEventListener('abort', cancel, { signal: stream.ended });
      }
      if (!stream.ended.aborted) options.onOpen?.();
      return stream;
    });
    return events as unknown as AsyncIterable<WatchEvent<T>>;
  }

  async create<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = collectionPathOf(resource, object.metadata.namespace);
    return this.#write({ verb: 'create', method: 'POST', path }, resource, object, options, (stored, context) => ({
      result: this.#server.create(resource, stored, context),
      outcome: 'created',
    }));
  }

  async replace<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = pathOf(resource, refOfObject(object), options.subresource);
    return this.#write({ verb: 'replace', method: 'PUT', path }, resource, object, options, (stored, context) => ({
      result: this.#server.replace(resource, stored, context),
    }));
  }

  async apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Applied<T>,
    options: ApplyOptions,
  ): Promise<T> {
    const path = pathOf(resource, refOfObject(object), options.subresource);
    const request = { verb: 'apply', method: 'PATCH', path } as const;
    return this.#write<T>(request, resource, object, options, (stored, context) => {
      const { object: result, created } = this.#server.apply(resource, stored, {
        ...context,
        force: options.force === true,
      });
      return { result, outcome: created ? 'created' : 'ok' };
    });
  }

  async patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    const request: Request = {
      verb: 'patch',
      method: 'PATCH',
      resource,
      ref,
      path: pathOf(resource, ref, options.subresource),
      details: [patch.type, ...writeDetails(options)],
      body: patch.body,
      signal: options.signal,
    };
    return this.#serve(request, () => ({
      result: this.#server.patch(resource, ref, structuredClone(patch), contextOf(options)) as unknown as T,
    }));
  }

  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const details = options.propagationPolicy === undefined ? [] : [options.propagationPolicy.toLowerCase()];
    const path = pathOf(resource, ref);
    return this.#serve(
      { verb: 'delete', method: 'DELETE', resource, ref, path, details, signal: options.signal },
      () => ({
        result: this.#server.delete(resource, ref, options),
      }),
    );
  }

  async resourceFor(apiVersion: string, kind: string): Promise<Resource | undefined> {
    const [version = '', group = ''] = apiVersion.split('/').toReversed();
    const served = this.#server.kinds.find(group, kind);
    if (served?.versions.includes(version) !== true) return undefined;
    return { group, version, kind, plural: served.plural, scope: served.scope };
  }

  raw(method: string, path: string, options: RawOptions = {}): Promise<{ status: number; body: string }> {
    return this.#serve({ verb: 'raw', method, path, ref: {}, body: options.body, signal: options.signal }, () => {
      if (['/readyz', '/livez', '/healthz'].includes(path)) return { result: { status: 200, body: 'ok' } };
      if (path === '/version')
        return { result: { status: 200, body: JSON.stringify({ major: '1', minor: '36', gitVersion: 'v1.36.3' }) } };
      throw unknownPath();
    });
  }

  // ---- the test's side: no faults, no delays, nothing in the transcript -----------------------------------------------------

  /** Serves a kind without its CustomResourceDefinition and without a schema, unless one is given. */
  declare(resource: Resource, traits: { status?: boolean; schema?: OpenApiSchema } = {}): void {
    const { group, kind, plural, scope, version } = resource;
    const schemas = traits.schema === undefined ? {} : { [version]: traits.schema };
    const status = traits.status ?? true;
    this.#server.kinds.serve({
      group,
      kind,
      plural,
      scope,
      versions: [version],
      status,
      generation: true,
      custom: true,
      schemas,
      servedSince: 0,
    });
  }

  /** Puts objects in, with their status; makes their namespaces where absent. Definitions take effect at once. */
  load(...objects: readonly KubernetesObject[]): void {
    for (const object of objects) {
      const { namespace } = object.metadata;
      const resource = this.#resourceOf(object);
      const { status, ...rest } = structuredClone(object) as Stored;
      if (namespace !== undefined && this.object(this.#namespaces(), { name: namespace }) === undefined)
        this.#addNamespace(namespace);
      const created = this.#server.create(resource, rest, testContext(''));
      if (status !== undefined && this.#server.kinds.served(resource).status) {
        this.#server.replace(resource, { ...created, status }, testContext('status'));
      }
      this.#controllers.flush();
    }
  }

  /** A copy of one object as it is now. */
  object<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): T | undefined {
    const found = this.#server.objects.get(this.#server.kinds.served(resource), ref);
    return found === undefined ? undefined : (this.#server.get(resource, ref) as unknown as T);
  }

  /** Copies of all objects of a kind, in the order of their keys. */
  objects<T extends KubernetesObject>(resource: Resource<T>, namespace?: string): T[] {
    const all = { namespace, matches: () => true, limit: undefined, continue: undefined };
    return this.#server.list(resource, all).items as unknown as T[];
  }

  /** What another actor (a kubelet, an administrator) does to an object, status included. */
  edit<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, change: (object: T) => void): T {
    const object = this.#server.get(resource, ref);
    change(object as unknown as T);
    let edited = this.#server.replace(resource, object, testContext(''));
    if (this.#server.kinds.served(resource).status && this.object(resource, ref) !== undefined) {
      const { resourceVersion = '' } = edited.metadata;
      edited = this.#server.replace(
        resource,
        { ...object, metadata: { ...object.metadata, resourceVersion } },
        testContext('status'),
      );
    }
    return edited as unknown as T;
  }

  /** What another actor does by deleting an object. */
  remove(resource: Resource, ref: ObjectRef, options: Omit<DeleteOptions, 'signal'> = {}): void {
    this.#server.delete(resource, ref, options);
  }

  /** Disturbs requests to come; until disposed, or used up. */
  fault(fault: Fault): Disposable {
    return this.#faults.add(fault);
  }

  /** Ends open watches: as the server does in peace, or by failing with `status`, or by a broken connection. */
  dropWatches({ resource, status }: { resource?: Resource; status?: number | 'network' } = {}): void {
    const request = { method: 'GET', path: resource === undefined ? '/' : pathOf(resource) };
    this.#hub.drop(resource, status === undefined ? undefined : { thrown: faultError({}, status, request) });
  }

  /** Lets watches fall silent, as over a dead connection, until disposed; then what piled up is delivered. */
  holdWatches(resource?: Resource): Disposable {
    return this.#hub.hold(resource);
  }

  /** Forgets history: watches and continued lists from before get 410. Open watches go on. */
  compact(): void {
    this.#server.compact();
  }

  get openWatches(): number {
    return this.#hub.size;
  }

  /** Requests that are not answered yet, watches aside. */
  get pending(): number {
    return this.#pending;
  }

  get resourceVersion(): string {
    return String(this.#server.history.revision);
  }

  /** Every request that ended or, for watches, began, in that order. */
  get calls(): readonly Call[] {
    return this.#calls;
  }

  /** The calls as text, for golden files. */
  transcript(options: TranscriptOptions = {}): string {
    return transcriptOf(this.#calls, options);
  }

  // ---------------------------------------------------------------------------------------------------------------------------

  #write<T extends KubernetesObject>(
    request: Pick<Request, 'verb' | 'method' | 'path'>,
    resource: Resource<T>,
    object: KubernetesObject | Applied<T>,
    options: WriteOptions,
    write: (stored: Stored, context: WriteContext) => { result: Stored; outcome?: string },
  ): Promise<T> {
    const ref = refOfObject(object);
    const details = writeDetails(options, 'force' in options && options.force === true);
    const body = JSON.parse(JSON.stringify(object)) as Stored;
    return this.#serve({ ...request, resource, ref, details, body, signal: options.signal }, () => {
      if (body.apiVersion !== apiVersionOf(resource) || body.kind !== resource.kind) {
        const found = `${body.apiVersion} ${body.kind}`;
        throw new Failure(400, {
          reason: 'BadRequest',
          message: `the object is a ${found}, not a ${apiVersionOf(resource)} ${resource.kind}`,
        });
      }
      const { result, outcome = 'ok' } = write(structuredClone(body), contextOf(options));
      return { result: result as unknown as T, outcome };
    });
  }

  async #serve<R>(request: Request, answer: () => { result: R; outcome?: string }): Promise<R> {
    const { verb, resource, ref, signal } = request;
    this.#pending++;
    let outcome = 'aborted';
    try {
      // Nobody may count on an answer in the same turn.
      await Promise.resolve();
      signal?.throwIfAborted();
      const fault = this.#faults.strike({ verb, resource, namespace: ref.namespace, name: ref.name });
      if (fault?.delay !== undefined) await this.#clock.sleep(fault.delay, signal);
      if (fault?.status !== undefined && fault.after !== true) throw faultError(fault, fault.status, request);
      const answered = answer();
      if (fault?.status !== undefined) throw faultError(fault, fault.status, request);
      outcome = answered.outcome ?? 'ok';
      return answered.result;
    } catch (error) {
      const thrown = error instanceof Failure ? apiError(error, request) : error;
      if (thrown instanceof ApiError) outcome = `${thrown.status} ${thrown.reason}`.trimEnd();
      else if (signal?.aborted !== true) outcome = 'no answer';
      throw thrown;
    } finally {
      this.#pending--;
      this.#calls.push({
        at: this.#clock.monotonic() - this.#startedAt,
        verb,
        target: resource === undefined ? request.path : groupResource(resource),
        key: ref.name === undefined ? (ref.namespace ?? '') : keyOf({ ...ref, name: ref.name }),
        details: (request.details ?? []).filter((detail) => detail !== ''),
        outcome,
        body: request.body,
      });
    }
  }

  #addNamespace(name: string): void {
    this.#server.create(
      this.#namespaces(),
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      testContext(''),
    );
  }

  #namespaces(): Resource {
    return { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', scope: 'Cluster' };
  }

  #resourceOf({ apiVersion, kind }: KubernetesObject): Resource {
    const [version = '', group = ''] = apiVersion.split('/').toReversed();
    const served = this.#server.kinds.find(group, kind);
    if (served === undefined)
      throw new Error(`the fake cluster does not serve ${apiVersion} ${kind}: declare it or load its definition first`);
    return { group, version, kind, plural: served.plural, scope: served.scope };
  }
}

function refOfObject({ metadata }: { metadata: KubernetesObject['metadata'] }): Partial<ObjectRef> {
  const { namespace, name } = metadata;
  return { ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
}

function testContext(subresource: string): WriteContext {
  return { manager: 'test', dryRun: false, subresource };
}

function contextOf({ fieldManager = DEFAULT_MANAGER, dryRun = false, subresource = '' }: WriteOptions): WriteContext {
  return { manager: fieldManager, dryRun, subresource };
}

function writeDetails({ subresource, fieldManager, dryRun }: WriteOptions, force = false): string[] {
  return [
    subresource === undefined ? '' : `/${subresource}`,
    fieldManager === undefined ? '' : `as ${fieldManager}`,
    force ? 'force' : '',
    dryRun === true ? 'dry-run' : '',
  ];
}

function selectionDetails({ labelSelector, fieldSelector }: ListOptions): string[] {
  return [labelSelector, fieldSelector].map((selector) => (selector === undefined ? '' : `[${selector}]`));
}

function faultError(fault: Fault, status: number | 'network', request: Pick<Request, 'method' | 'path'>): Error {
  return status === 'network' ? unreachable('the fake cluster', request) : apiError(failureOf(fault, status), request);
}

function apiError(failure: Failure, { method, path }: Pick<Request, 'method' | 'path'>): ApiError {
  return new ApiError(failure.status, failure.body, { method, path }, failure.retryAfter);
}
