import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
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
} from './client.ts';
import type { ClientCertificate, Credentials } from './credentials.ts';
import { Discovery } from './discovery.ts';
import type { KubernetesObject, ObjectRef } from './object.ts';
import { collectionPathOf, pathOf } from './path.ts';
import { apiVersionOf, type Resource } from './resource.ts';
import { Transport, type TransportRequest } from './transport.ts';
import { watchRequest } from './watch-request.ts';

/** A cluster client that owns its connections; disposing it breaks off what is under way. */
export interface HttpClient extends ClusterClient, AsyncDisposable {
  /** Asks the server anew which kinds it has, for whoever knows that they have changed. */
  refreshKinds(): Promise<void>;
  /** Proves the identity with another certificate from the next request on; what is under way is not disturbed. */
  setClientCertificate(certificate: ClientCertificate): void;
}

export function createHttpClient(credentials: Credentials, options: { clock: Clock }): HttpClient {
  return new HttpClusterClient(new Transport(credentials), options.clock);
}

const PATCH_TYPES: Readonly<Record<Patch['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

class HttpClusterClient implements HttpClient {
  readonly #transport: Transport;
  readonly #discovery: Discovery;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#discovery = new Discovery({
      clock,
      read: async (path, accept) => this.#json({ method: 'GET', path, headers: { accept } }),
    });
  }

  async get<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: RequestOptions = {},
  ): Promise<T> {
    return this.#json<T>({ method: 'GET', path: pathOf(resource, ref), signal: options.signal });
  }

  async list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const { signal, namespace, ...query } = options;
    const path = pathOf(resource, namespace === undefined ? {} : { namespace });
    const list = await this.#json<WireList<T>>({ method: 'GET', path, query, signal });
    const { resourceVersion = '', continue: next = '' } = list.metadata ?? {};
    // Items of built-in kinds come without their kind, because the list has it.
    const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    const items = (list.items ?? []).map((item) => ({ ...identity, ...item }));
    return { items, resourceVersion, ...(next === '' ? {} : { continue: next }) };
  }

  watch<T extends KubernetesObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const { signal, namespace, onOpen, ...query } = options;
    const path = pathOf(resource, namespace === undefined ? {} : { namespace });
    return watchRequest<T>(this.#transport, { method: 'GET', path, query: { ...query, watch: true }, signal }, onOpen);
  }

  async create<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = collectionPathOf(resource, object.metadata.namespace);
    return this.#write<T>('POST', path, 'application/json', object, options);
  }

  async replace<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#write<T>(
      'PUT',
      pathOf(resource, nameOf(object), options.subresource),
      'application/json',
      object,
      options,
    );
  }

  async apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Applied<T>,
    options: ApplyOptions,
  ): Promise<T> {
    const path = pathOf(resource, nameOf(object), options.subresource);
    return this.#write<T>('PATCH', path, 'application/apply-patch+yaml', object, options, { force: options.force });
  }

  async patch<T extends KubernetesObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#write<T>(
      'PATCH',
      pathOf(resource, ref, options.subresource),
      PATCH_TYPES[patch.type],
      patch.body,
      options,
    );
  }

  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { signal, ...rest } = options;
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...rest });
    const headers = { 'content-type': 'application/json' };
    await this.#transport.request({ method: 'DELETE', path: pathOf(resource, ref), headers, body, signal });
  }

  resourceFor(apiVersion: string, kind: string): Promise<Resource | undefined> {
    return this.#discovery.resourceFor(apiVersion, kind);
  }

  refreshKinds(): Promise<void> {
    return this.#discovery.refresh();
  }

  setClientCertificate(certificate: ClientCertificate): void {
    this.#transport.setClientCertificate(certificate);
  }

  async raw(method: string, path: string, options: RawOptions = {}): Promise<{ status: number; body: string }> {
    const { body, query = {}, headers = {}, signal } = options;
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.#transport.request({
      method,
      path,
      query,
      headers: { accept: '*/*', ...type, ...headers },
      signal,
      ...sent,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  #write<T>(
    method: string,
    path: string,
    type: string,
    object: unknown,
    { signal, dryRun, fieldManager }: WriteOptions,
    query: TransportRequest['query'] = {},
  ): Promise<T> {
    return this.#json<T>({
      method,
      path,
      query: { ...query, fieldManager, dryRun: dryRun === true ? 'All' : undefined },
      headers: { 'content-type': type },
      body: JSON.stringify(object),
      signal,
    });
  }

  async #json<T>(request: TransportRequest): Promise<T> {
    const { body } = await this.#transport.request(request);
    try {
      // The server's answer to a request for T is a T: there is nobody else to ask.
      return JSON.parse(body) as T;
    } catch (cause) {
      const { method, path } = request;
      throw new K3sError('K3S_API_MALFORMED', `${method} ${path}: the API server sent something that is not JSON`, {
        cause,
        fields: { method, path },
        retryable: true,
        hint: 'Check that the address is that of a Kubernetes API server.',
      });
    }
  }
}

interface WireList<T> {
  items?: T[] | null;
  metadata?: { resourceVersion?: string; continue?: string };
}

function nameOf({ metadata }: { metadata: KubernetesObject['metadata'] }): ObjectRef {
  const { namespace, name = '' } = metadata;
  return namespace === undefined ? { name } : { namespace, name };
}
