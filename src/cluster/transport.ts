import { Agent, type Dispatcher } from 'undici';
import { ApiError, type ApiStatus, unreachable } from './api-error.ts';
import type { ClientCertificate, Credentials } from './credentials.ts';

export interface TransportRequest {
  method: string;
  /** From the API's root, without the query. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  signal?: AbortSignal | undefined;
}

export interface TransportResponse {
  status: number;
  body: string;
}

const USER_AGENT = 'k3s-ts';
/** Requests beyond this many at a time wait for a connection. Watches do not count: each has a connection of its own. */
const CONNECTIONS = 16;
/** The API server closes idle connections after 90 s; letting go earlier avoids sending into a closing one. */
const KEEP_ALIVE = 30_000;
/** The API server gives up on a request after 60 s. */
const ANSWER_LIMIT = 65_000;

/**
 * HTTP to one API server with one identity, over connections that are kept and shared. HTTP/1.1: a watch that is read slowly
 * then holds up nobody, and a lost connection loses one watch.
 */
export class Transport implements AsyncDisposable {
  readonly server: string;
  readonly #origin: string;
  readonly #prefix: string;
  readonly #token: Credentials['token'];
  readonly #credentials: Credentials;
  #agents: Agents;
  /** Agents of former certificates, with requests that are still under way. */
  readonly #former = new Set<Agent>();

  constructor(credentials: Credentials) {
    const url = new URL(credentials.server);
    this.server = credentials.server;
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#token = credentials.token;
    this.#credentials = credentials;
    this.#agents = createAgents(credentials);
  }

  /** Proves the identity with another certificate from the next request on; what is under way is not disturbed. */
  setClientCertificate(certificate: ClientCertificate): void {
    for (const agent of Object.values(this.#agents)) {
      this.#former.add(agent);
      void agent.close().then(
        () => this.#former.delete(agent),
        () => this.#former.delete(agent),
      );
    }
    this.#agents = createAgents({ ...this.#credentials, ...certificate });
  }

  /** The whole answer. Rejects with ApiError for a status of 400 and above. */
  async request(request: TransportRequest): Promise<TransportResponse> {
    try {
      const { statusCode, headers, body } = await this.#send('requests', request);
      const text = await body.text();
      if (statusCode >= 400) throw apiError(statusCode, text, headers, request);
      return { status: statusCode, body: text };
    } catch (error) {
      throw this.#explained(error, request);
    }
  }

  /** The answer piece by piece, once the server has accepted. Leaving the iteration closes the connection. */
  async stream(request: TransportRequest): Promise<AsyncIterable<Buffer>> {
    try {
      const { statusCode, headers, body } = await this.#send('streams', request);
      if (statusCode >= 400) throw apiError(statusCode, await body.text(), headers, request);
      return this.#pieces(body, request);
    } catch (error) {
      throw this.#explained(error, request);
    }
  }

  /** Breaks off what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...Object.values(this.#agents), ...this.#former].map((agent) => agent.destroy()));
  }

  async *#pieces(body: AsyncIterable<Buffer>, request: TransportRequest): AsyncIterable<Buffer> {
    try {
      yield* body;
    } catch (error) {
      throw this.#explained(error, request);
    }
  }

  async #send(
    kind: keyof Agents,
    { method, path, query = {}, headers = {}, body, signal }: TransportRequest,
  ): Promise<Dispatcher.ResponseData> {
    signal?.throwIfAborted();
    const token = typeof this.#token === 'function' ? await this.#token() : this.#token;
    return this.#agents[kind].request({
      origin: this.#origin,
      path: this.#prefix + path + queryString(query),
      method,
      headers: {
        accept: 'application/json',
        'user-agent': USER_AGENT,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #explained(error: unknown, request: TransportRequest): unknown {
    if (request.signal?.aborted === true) return request.signal.reason;
    return error instanceof ApiError
      ? error
      : unreachable(this.server, { method: request.method, path: request.path }, error);
  }
}

interface Agents {
  readonly requests: Agent;
  readonly streams: Agent;
}

function createAgents({ ca, cert, key, serverName, insecure }: Credentials): Agents {
  const connect = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
  const common = { connect, allowH2: false, keepAliveTimeout: KEEP_ALIVE, headersTimeout: ANSWER_LIMIT };
  return {
    requests: new Agent({ ...common, connections: CONNECTIONS, bodyTimeout: ANSWER_LIMIT }),
    // Whoever reads a stream watches over its silences.
    streams: new Agent({ ...common, bodyTimeout: 0 }),
  };
}

function queryString(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

function apiError(
  status: number,
  text: string,
  headers: Dispatcher.ResponseData['headers'],
  request: TransportRequest,
): ApiError {
  const seconds = Number(headers['retry-after']);
  const retryAfter = Number.isFinite(seconds) && headers['retry-after'] !== undefined ? seconds * 1000 : undefined;
  return new ApiError(status, statusOf(text), { method: request.method, path: request.path }, retryAfter);
}

/** Proxies and unknown paths answer in plain text. */
function statusOf(text: string): ApiStatus {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'kind' in parsed && parsed.kind === 'Status')
      return parsed as ApiStatus;
  } catch {
    // Not JSON; shown as it is.
  }
  return text.trim() === '' ? {} : { message: text.trim().slice(0, 500) };
}
