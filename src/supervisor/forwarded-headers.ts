import type { IncomingHttpHeaders } from 'node:http';
import type { Identity } from './identity.ts';

/**
 * How a request to kube-apiserver proves who it is from: by the identity that we vouch for, or by a token that kube-apiserver
 * judges itself.
 */
export type ApiCredential = { readonly kind: 'identity'; readonly identity: Identity } | { readonly kind: 'token' };

/**
 * A client certificate counts before a token, as in kube-apiserver. Undefined when there is neither: `anonymous-auth` is off
 * there, so the answer would be 401 anyway.
 */
export function apiCredential(
  certificate: Identity | undefined,
  headers: IncomingHttpHeaders,
): ApiCredential | undefined {
  if (certificate !== undefined) return { kind: 'identity', identity: certificate };
  return hasToken(headers) ? { kind: 'token' } : undefined;
}

/** A bearer token, or the subprotocol in which browsers, that cannot set headers on a WebSocket, carry one. */
function hasToken(headers: IncomingHttpHeaders): boolean {
  if (/^bearer +\S/i.test(headers.authorization ?? '')) return true;
  return /(^|[\s,])base64url\.bearer\.authorization\.k8s\.io\./.test(headers['sec-websocket-protocol'] ?? '');
}

/** Headers that concern one connection only (RFC 9110 §7.6.1); besides them, whatever `Connection` names. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Names in which kube-apiserver, or something behind it, reads who sent a request or from where. Only we may set them. */
const VOUCHED_FOR = /^(x-remote-|x-forwarded-|forwarded$|x-real-ip$)/;

/** Header names in lower case, in order of arrival; a name that came several times has several values. */
export type HeaderLines = Map<string, string[]>;

/** Drops pseudo-headers, hop-by-hop headers and those that a message's own `Connection` header names. */
export function endToEndHeaders(rawHeaders: readonly string[]): HeaderLines {
  const lines: HeaderLines = new Map();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase();
    const value = rawHeaders[at + 1] as string;
    const values = lines.get(name);
    if (values === undefined) lines.set(name, [value]);
    else values.push(value);
  }
  for (const named of (lines.get('connection') ?? []).join(',').split(',')) lines.delete(named.trim().toLowerCase());
  for (const name of lines.keys()) if (HOP_BY_HOP.has(name) || name.startsWith(':')) lines.delete(name);
  return lines;
}

export interface ForwardedRequest {
  readonly rawHeaders: readonly string[];
  readonly credential: ApiCredential;
  readonly clientAddress: string;
  /** The `Host` that the client asked for; HTTP/2 has it in `:authority`. */
  readonly host: string | undefined;
}

/**
 * The headers of the request to kube-apiserver, without those that describe its body. Impersonation headers pass: kube-apiserver
 * allows them, or not, to the identity that goes with them.
 */
export function requestHeaders(request: ForwardedRequest): HeaderLines {
  const lines = endToEndHeaders(request.rawHeaders);
  for (const name of lines.keys()) if (VOUCHED_FOR.test(name)) lines.delete(name);
  lines.delete('host');
  if (request.host !== undefined) lines.set('host', [request.host]);
  lines.set('x-forwarded-for', [request.clientAddress]);
  if (request.credential.kind === 'identity') {
    lines.delete('authorization');
    for (const [name, values] of identityHeaders(request.credential.identity)) lines.set(name, values);
  }
  return lines;
}

/** Request-header authentication as kube-apiserver is set up for it (`--requestheader-*`). */
function identityHeaders(identity: Identity): HeaderLines {
  const lines: HeaderLines = new Map([['x-remote-user', [headerBytes(identity.name)]]]);
  if (identity.groups.length > 0) lines.set('x-remote-group', identity.groups.map(headerBytes));
  for (const [key, values] of Object.entries(identity.extra ?? {})) {
    lines.set(`x-remote-extra-${encodeURIComponent(key)}`, values.map(headerBytes));
  }
  return lines;
}

/** Node writes headers as latin1; kube-apiserver takes their bytes for UTF-8. */
function headerBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
