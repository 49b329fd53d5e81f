/**
 * Sends requests as they are, without tidying paths up, over one connection each, and prints the status codes as JSON. Runs in a test
 * machine: reads `RequestsToSend` from standard input.
 */
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { request as requestHttp1 } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';

export interface RequestsToSend {
  readonly host: string;
  readonly port: number;
  /** Of the ClientHello: decides whether the connection is passed through to kube-apiserver. */
  readonly serverName: string;
  readonly protocol: 'h2' | 'http/1.1';
  readonly requests: readonly {
    readonly method?: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
  }[];
}

type RequestToSend = RequestsToSend['requests'][number];

async function sendHttp1(
  target: RequestsToSend,
  { method = 'GET', path, headers = {} }: RequestToSend,
): Promise<number> {
  const { host, port, serverName: servername } = target;
  const request = requestHttp1({
    host,
    port,
    servername,
    method,
    path,
    headers,
    rejectUnauthorized: false,
    agent: false,
  });
  request.end();
  const [response] = (await once(request, 'response')) as [{ statusCode: number; destroy(): void }];
  response.destroy();
  return response.statusCode;
}

async function sendHttp2(
  target: RequestsToSend,
  { method = 'GET', path, headers = {} }: RequestToSend,
): Promise<number> {
  const { host, port, serverName: servername } = target;
  const socket = connectTls({ host, port, servername, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const session = connectHttp2(`https://${servername}`, { createConnection: () => socket });
  const stream = session.request({ ':method': method, ':path': path, ...headers });
  const [answer] = (await once(stream, 'response')) as [Record<string, number>];
  session.destroy();
  return answer[constants.HTTP2_HEADER_STATUS] ?? 0;
}

const target = JSON.parse(await text(process.stdin)) as RequestsToSend;
const send = target.protocol === 'h2' ? sendHttp2 : sendHttp1;
const statuses: number[] = [];
for (const request of target.requests) statuses.push(await send(target, request));
console.log(JSON.stringify(statuses));
