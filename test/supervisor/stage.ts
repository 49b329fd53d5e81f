import { once } from 'node:events';
import { request as httpsRequest, createServer, type RequestOptions } from 'node:https';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { silentLogger, type Logger } from '../../src/core/log.ts';
import type { PasswordEntry } from '../../src/pki/password-file.ts';
import { createAuthenticator } from '../../src/supervisor/authentication.ts';
import { createSupervisor, type Supervisor, type SupervisorOptions } from '../../src/supervisor/supervisor.ts';
import { createServerCertificates, type Pair, type ServerCertificates } from './certificates.ts';

/** A request as the stand-in for kube-apiserver saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string[]>>;
  /** Common name of the client certificate, if it leads to the request-header authority. */
  readonly vouchedBy: string | undefined;
}

export interface StandIn extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly seen: SeenRequest[];
}

/** A TLS server in kube-apiserver's place that writes down what it is asked. */
export async function startStandIn(
  certificates: ServerCertificates,
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end('from the API'),
  port = 0,
): Promise<StandIn> {
  const seen: SeenRequest[] = [];
  const server = createServer(
    {
      ...certificates.apiServer,
      ca: certificates.requestHeaderCa.ca,
      requestCert: true,
      rejectUnauthorized: false,
      maxHeaderSize: 1024 * 1024,
    },
    answer,
  );
  const record = (request: IncomingMessage): void => {
    const socket = request.socket as TLSSocket;
    seen.push({
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headersDistinct as Record<string, string[]>,
      vouchedBy: socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined,
    });
  };
  server.prependListener('request', record);
  server.prependListener('upgrade', record);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface StageOptions {
  answer?: (request: IncomingMessage, response: ServerResponse) => void;
  passwords?: readonly PasswordEntry[];
  ready?: () => boolean;
  clock?: Clock;
  log?: Logger;
  supervisor?: Partial<SupervisorOptions>;
}

export interface Stage extends AsyncDisposable {
  readonly certificates: ServerCertificates;
  readonly api: StandIn;
  readonly supervisor: Supervisor;
}

/** A supervisor on a free port of loopback in front of a stand-in for kube-apiserver. */
export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const certificates = createServerCertificates();
  const api = await startStandIn(certificates, options.answer);
  const supervisor = await createSupervisor({
    bindAddress: '127.0.0.1',
    port: 0,
    clusterDomain: 'cluster.local',
    apiFront: 'splice',
    serving: { ...certificates.supervisor, clientCa: certificates.clientCa.ca },
    serverCa: certificates.serverCa.ca,
    frontProxy: certificates.frontProxy,
    apiServer: { host: '127.0.0.1', port: api.port },
    authenticator: createAuthenticator(() => options.passwords ?? []),
    ready: options.ready ?? (() => true),
    drainTimeout: 0,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLogger,
    signal: new AbortController().signal,
    ...options.supervisor,
  });
  return {
    certificates,
    api,
    supervisor,
    async [Symbol.asyncDispose]() {
      await supervisor[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface AskOptions extends RequestOptions {
  as?: Pair;
  body?: string;
}

/** One HTTP/1.1 request to the supervisor, on a connection of its own unless an agent is given. */
export async function ask(stage: Stage, path: string, { as, body, ...options }: AskOptions = {}): Promise<Answer> {
  const request = httpsRequest({
    host: '127.0.0.1',
    port: stage.supervisor.port,
    ca: stage.certificates.serverCa.ca,
    agent: false,
    path,
    ...as,
    ...options,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await textOf(response) };
}

export async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * An answer without end, sent as fast as the connection takes it. `stalled` gives the bytes written so far once nothing has been
 * taken for many turns of the event loop: every buffer on the way is full.
 */
export function endlessAnswer(): {
  answer: (_: IncomingMessage, response: ServerResponse) => void;
  stalled: Promise<number>;
} {
  const chunk = Buffer.alloc(64 * 1024);
  const { promise, resolve } = Promise.withResolvers<number>();
  let sent = 0;
  const answer = (_: IncomingMessage, response: ServerResponse): void => {
    do sent += chunk.length;
    while (response.write(chunk));
    let turns = 0;
    let drained = false;
    const watch = (): void => {
      if (drained || response.destroyed) return;
      if (++turns > 20_000) resolve(sent);
      else setImmediate(watch);
    };
    response.once('drain', () => {
      drained = true;
      answer(_, response);
    });
    watch();
  };
  return { answer, stalled: promise };
}
