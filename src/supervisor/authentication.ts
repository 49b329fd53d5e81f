import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
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

/** A line of `cred/passwd`: a shared password and the role that it gives. */
export interface PasswordEntry {
  readonly user: string;
  readonly password: string;
  readonly groups: readonly string[];
}

/**
 * Knows the users of `cred/passwd`, by `Basic` user and password or by the password alone as a `Bearer` token, and client
 * certificates. A good `Authorization` header comes first: an agent that shows both acts as the agent, not yet as its node.
 * `entries` is asked at each request, so that a rotated token counts at once.
 */
export function createAuthenticator(entries: () => readonly PasswordEntry[]): Authenticator {
  // Comparing digests under a key of this process takes the same time wherever two passwords differ, and however long they are.
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    async authenticate({ certificate, authorization }) {
      const shown = authorization === undefined ? undefined : parseAuthorization(authorization);
      if (shown === undefined) return certificate;
      const password = digest(shown.password);
      let found: PasswordEntry | undefined;
      // Every entry is compared, so that the time says nothing about which users exist.
      for (const entry of entries()) {
        const matches = timingSafeEqual(digest(entry.password), password) && entry.password !== '';
        if (matches && (shown.user === undefined || shown.user === entry.user)) found ??= entry;
      }
      return found === undefined ? certificate : { name: found.user, groups: found.groups };
    },
  };
}

function parseAuthorization(header: string): { user: string | undefined; password: string } | undefined {
  const [scheme = '', value = ''] = header.trim().split(/ +(.*)/s, 2);
  if (scheme.toLowerCase() === 'bearer') return { user: undefined, password: value };
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
