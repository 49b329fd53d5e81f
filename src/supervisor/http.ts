import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Writable } from 'node:stream';

/** A request of either version of HTTP, as Node's servers hand it out. */
export type HttpRequest = IncomingMessage | Http2ServerRequest;

/** What the two versions' responses have in common, as far as it is used here. */
export interface HttpResponse extends Writable {
  readonly req: HttpRequest;
  readonly headersSent: boolean;
  statusCode: number;
  setHeader(name: string, value: string | readonly string[]): unknown;
  addTrailers(trailers: OutgoingHttpHeaders): void;
  writeContinue(): void;
}

/** Sends status and headers now rather than with the first byte of the body, which a watch may not have for minutes. */
export function sendHead(response: HttpResponse): void {
  if (response instanceof ServerResponse) response.flushHeaders();
  else (response as Http2ServerResponse).writeHead(response.statusCode);
}

/** Asks for the body that the client holds back; without effect when the client has gone. */
export function sendContinue(response: HttpResponse): void {
  if (response instanceof ServerResponse) response.writeContinue();
  else {
    const { stream } = response as Http2ServerResponse;
    if (!stream.destroyed && !stream.closed) response.writeContinue();
  }
}

/** Ends a response so that the client sees that something is missing. */
export function breakOff(response: HttpResponse): void {
  if (response instanceof ServerResponse) response.destroy();
  else (response as Http2ServerResponse).stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Takes no further requests on the connection of a response whose head has not been sent; those under way go on. */
export function closeAfter(response: HttpResponse): void {
  if (response instanceof ServerResponse) response.setHeader('connection', 'close');
  else (response as Http2ServerResponse).stream.session?.close();
}

/** The part of a request target before the query, not decoded and not normalised: what is compared must be what was sent. */
export function rawPath(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** Ends a response with a body whose headers are set already; HEAD gets the headers alone. */
export function endWith(response: HttpResponse, body: string): void {
  if (response.req.method === 'HEAD') response.end();
  else response.end(body);
}
