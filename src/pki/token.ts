import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { K3sError } from '../core/errors.ts';
import { findRoot } from './authority.ts';
import { parseCertificates } from './certificate-file.ts';

const PREFIX = 'K10';
const BOOTSTRAP = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const CA_HASH = /^[0-9a-f]{64}$/;

/** What a token proves who one is with. */
export type TokenCredentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** A Kubernetes bootstrap token: `<id>.<secret>`. */
  | { readonly kind: 'bootstrap'; readonly id: string; readonly secret: string };

export interface Token {
  /** SHA-256 of the cluster's server authority, in hexadecimal; undefined when the token does not pin it. */
  readonly caHash: string | undefined;
  readonly credentials: TokenCredentials;
}

/**
 * Reads a token in any of its forms: `K10<CA hash>::<user>:<password>`, `K10<CA hash>::<id>.<secret>`, or, without the
 * hash, a bare password or `<id>.<secret>`. A bare password names no user (empty).
 */
export function parseToken(text: string): Token {
  if (text === '' || /[\s\p{Cc}]/u.test(text)) throw malformed('it is empty or holds white space');
  if (!text.startsWith(PREFIX)) return { caHash: undefined, credentials: bootstrapOf(text) ?? passwordOf('', text) };
  const body = text.slice(PREFIX.length);
  const at = body.indexOf('::');
  const caHash = at > 0 ? body.slice(0, at) : undefined;
  if (caHash !== undefined && !CA_HASH.test(caHash)) throw malformed('its CA hash is not 64 hexadecimal digits');
  const rest = at < 0 ? body : body.slice(at + 2);
  const bootstrap = bootstrapOf(rest);
  if (bootstrap !== undefined) return { caHash, credentials: bootstrap };
  const colon = rest.indexOf(':');
  if (colon < 0 || colon === rest.length - 1) throw malformed('it names no user and password');
  return { caHash, credentials: passwordOf(rest.slice(0, colon), rest.slice(colon + 1)) };
}

/** `K10<CA hash>::<user>:<password>` */
export function formatToken(caHash: string, user: string, password: string): string {
  return `${PREFIX}${caHash}::${user}:${password}`;
}

/** The password in a server's or agents' token, whatever its form. A bootstrap token has none and is refused. */
export function tokenPassword(text: string): string {
  const { credentials } = parseToken(text);
  if (credentials.kind === 'password') return credentials.password;
  throw new K3sError('K3S_TOKEN_FORMAT', 'a bootstrap token cannot be the token of a server', {
    hint: 'Use a password, or K10<CA hash>::<user>:<password>',
  });
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new bootstrap token as kubeadm makes them: `abcdef.0123456789abcdef`. */
export function generateBootstrapToken(): string {
  const characters = (count: number): string =>
    Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${characters(6)}.${characters(16)}`;
}

/**
 * The CA hash of a token, from the PEM text that `/cacerts` serves: with one certificate the hash of the text itself, with a
 * chain that of the root's DER form, so that intermediates can change without new tokens.
 */
export function authorityHash(bundle: string): string {
  const [first, ...chain] = parseCertificates(bundle);
  const root = first === undefined || chain.length === 0 ? undefined : findRoot(first, chain);
  return createHash('sha256')
    .update(root === undefined ? bundle : root.raw)
    .digest('hex');
}

/** Whether two secrets are the same, in a time that does not depend on where they differ. */
export function secretsEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function bootstrapOf(text: string): TokenCredentials | undefined {
  const [, id, secret] = BOOTSTRAP.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { kind: 'bootstrap', id, secret };
}

function passwordOf(user: string, password: string): TokenCredentials {
  return { kind: 'password', user, password };
}

function malformed(why: string): K3sError {
  return new K3sError('K3S_TOKEN_FORMAT', `the token is malformed: ${why}`, {
    hint: 'A token is a password, <6 characters>.<16 characters>, or K10<CA hash>:: followed by user:password or the latter',
  });
}
