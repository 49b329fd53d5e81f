import { authenticatePassword, type PasswordEntry } from '../pki/password-file.ts';
import { secretsEqual } from '../pki/token.ts';
import type { Identity } from './identity.ts';

/** What a request shows to say who sends it. */
export interface Credentials {
  /** Proven by a client certificate under the client authority. */
  readonly certificate: Identity | undefined;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
}

/** Decides who uses the supervisor's own routes. kube-apiserver does its own authentication for all others. */
export interface Authenticator {
  /** Undefined when the credentials are nobody's. */
  authenticate(credentials: Credentials): Promise<Identity | undefined>;
}

/**
 * Knows the users of `cred/passwd`, by `Basic` name and password or by the password alone as a `Bearer` token, and client
 * certificates. A good `Authorization` header comes first: an agent that shows both acts as the agent, not yet as its node.
 * `entries` is asked at each request, so that a rotated token counts at once.
 */
export function createAuthenticator(entries: () => readonly PasswordEntry[]): Authenticator {
  return {
    async authenticate({ certificate, authorization }) {
      const shown = authorization === undefined ? undefined : parseAuthorization(authorization);
      const entry = shown === undefined ? undefined : findEntry(entries(), shown);
      return entry === undefined ? certificate : { name: entry.name, groups: entry.role.split(',') };
    },
  };
}

interface ShownPassword {
  readonly name: string | undefined;
  readonly password: string;
}

function findEntry(entries: readonly PasswordEntry[], { name, password }: ShownPassword): PasswordEntry | undefined {
  if (name !== undefined) return authenticatePassword(entries, name, password);
  // Every entry is compared, so that the time says nothing about which one fits.
  const fitting = entries.map((entry) => secretsEqual(entry.password, password));
  return entries[fitting.indexOf(true)];
}

function parseAuthorization(header: string): ShownPassword | undefined {
  const [scheme = '', value = ''] = header.trim().split(/ +(.*)/s, 2);
  if (scheme.toLowerCase() === 'bearer') return { name: undefined, password: value };
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
