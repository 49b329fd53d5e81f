import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Logger } from '../core/log.ts';
import { apiCredential, endToEndHeaders, requestHeaders, type HeaderLines } from './forwarded-headers.ts';
import { breakOff, closeAfter, sendContinue, sendHead, type HttpRequest, type HttpResponse } from './http.ts';
import type { Peer } from './peer.ts';
import { CANNOT_BE_FORWARDED, sendFailure, TOO_MANY_REQUESTS, UNAUTHORIZED } from './status.ts';
import { upstreamFailure, type Upstream } from './upstream.ts';

export interface ApiProxyOptions {
  readonly upstream: Upstream;
  readonly log: Logger;
  /** Requests at the same time, watches included; each holds a connection to kube-apiserver. Default 10,000. */
  readonly mostUnderWay?: number;
}

/**
 * Passes a request on to kube-apiserver and its response back, both as they come: nothing is collected, either side's slowness
 * is felt by the other, and a client that goes away ends the request there too.
 */
export type ApiProxy = (request: HttpRequest, response: HttpResponse, peer: Peer) => void;

export function createApiProxy({ upstream, log, mostUnderWay = 10_000 }: ApiProxyOptions): ApiProxy {
  let underWay = 0;
  return (request, response, peer) => {
    const credential = apiCredential(peer.identity, request.headers);
    if (credential === undefined) return sendFailure(response, UNAUTHORIZED);
    // A token is judged only by kube-apiserver, so this is open to anybody who makes one up.
    if (underWay >= mostUnderWay) return sendFailure(response, TOO_MANY_REQUESTS);
    underWay++;
    let forwarded: ClientRequest | undefined;
    let gone = false;
    response.once('close', () => {
      underWay--;
      gone = true;
      forwarded?.destroy();
    });

    const method = request.method ?? 'GET';
    const body = bodyOf(request);
    const headers = requestHeaders({
      rawHeaders: request.rawHeaders,
      credential,
      clientAddress: peer.address,
      host: request.headers.host ?? authority(request),
    });
    describeBody(headers, method, body);

    const begin = (attempt: number): void => {
      let current: ClientRequest;
      try {
        current = upstream.request({ method, path: request.url ?? '/', headers, credential });
      } catch (error) {
        log.debug('a request cannot be passed on to the apiserver', { error });
        return sendFailure(response, CANNOT_BE_FORWARDED);
      }
      forwarded = current;
      let answered = false;
      current.on('continue', () => sendContinue(response));
      current.on('response', (answer) => {
        answered = true;
        relay(answer, request, response);
      });
      current.on('error', (error) => {
        // An answer that breaks off is `relay`'s business.
        if (answered || gone) return;
        // kube-apiserver may close an idle connection just when it is taken for the next request; that request was never read.
        if (current.reusedSocket && attempt === 1 && body.kind === 'none' && isSafe(method)) begin(2);
        else sendFailure(response, upstreamFailure(error, log));
      });
      current.on('close', () => {
        // Whatever is left of the body has no reader any more; take it off the wire, so that the connection can end in order.
        request.unpipe(current);
        request.resume();
      });
      if (body.kind === 'none') current.end();
      else request.pipe(current);
    };
    begin(1);
  };
}

/** Copies head, body and trailers of kube-apiserver's answer. */
function relay(answer: IncomingMessage, request: HttpRequest, response: HttpResponse): void {
  response.statusCode = answer.statusCode ?? 502;
  try {
    for (const [name, values] of endToEndHeaders(answer.rawHeaders)) {
      response.setHeader(name, one(values));
    }
    // The client was told to wait with its body and will not send it now, or will: only a new connection is unambiguous.
    if (request.httpVersionMajor === 1 && request.headers.expect !== undefined && !request.complete)
      closeAfter(response);
    sendHead(response);
  } catch {
    // A header that this version of HTTP forbids; what was set so far must not pass for the answer.
    breakOff(response);
    answer.destroy();
    return;
  }
  answer.on('end', () => {
    if (Object.keys(answer.trailers).length > 0) response.addTrailers(answer.trailers);
    response.end();
  });
  answer.on('error', () => breakOff(response));
  answer.pipe(response, { end: false });
}

type Body = { readonly kind: 'none' | 'chunked' } | { readonly kind: 'sized'; readonly length: string };

function bodyOf(request: HttpRequest): Body {
  const length = request.headers['content-length'];
  if (length !== undefined) return length === '0' ? { kind: 'none' } : { kind: 'sized', length };
  const streamed =
    'stream' in request ? !request.stream.endAfterHeaders : request.headers['transfer-encoding'] !== undefined;
  return { kind: streamed ? 'chunked' : 'none' };
}

/** Says in the headers what `Body` is. Without it Node would announce a chunked body for every POST. */
function describeBody(headers: HeaderLines, method: string, body: Body): void {
  headers.delete('content-length');
  if (body.kind === 'sized') headers.set('content-length', [body.length]);
  else if (body.kind === 'chunked') headers.set('transfer-encoding', ['chunked']);
  else if (!isSafe(method)) headers.set('content-length', ['0']);
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

function authority(request: HttpRequest): string | undefined {
  return 'authority' in request ? request.authority : undefined;
}

function one(values: string[]): string | string[] {
  return values.length === 1 ? (values[0] as string) : values;
}
