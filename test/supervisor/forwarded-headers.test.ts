import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apiCredential, endToEndHeaders, requestHeaders } from '../../src/supervisor/forwarded-headers.ts';

const alice = { kind: 'identity', identity: { name: 'alice', groups: ['dev', 'ops'] } } as const;

function forward(rawHeaders: string[], credential: Parameters<typeof requestHeaders>[0]['credential'] = alice) {
  return Object.fromEntries(requestHeaders({ rawHeaders, credential, clientAddress: '192.0.2.7', host: 'k3s:6443' }));
}

describe('requestHeaders', () => {
  test('vouches for name, groups and extra facts, as UTF-8 bytes', () => {
    const identity = { name: 'zoë', groups: ['a', 'b'], extra: { 'example.org/Key': ['x'] } };
    expect(forward([], { kind: 'identity', identity })).toEqual({
      host: ['k3s:6443'],
      'x-forwarded-for': ['192.0.2.7'],
      'x-remote-user': [Buffer.from('zoë').toString('latin1')],
      'x-remote-group': ['a', 'b'],
      'x-remote-extra-example.org%2FKey': ['x'],
    });
  });

  test('passes nothing on by which a client could vouch for itself, however it is spelled', () => {
    const name = fc
      .tuple(
        fc.constantFrom('x-remote-user', 'x-remote-group', 'x-remote-extra-a', 'x-remote-uid', 'x-forwarded-for'),
        fc.infiniteStream(fc.boolean()),
      )
      .map(([text, upper]) =>
        text
          .split('')
          .map((c) => (upper.next().value === true ? c.toUpperCase() : c))
          .join(''),
      );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), (names) => {
        const forwarded = forward(names.flatMap((header) => [header, 'spoofed']));
        expect(JSON.stringify(forwarded)).not.toContain('spoofed');
        expect(forwarded['x-remote-user']).toEqual(['alice']);
      }),
    );
  });

  test('drops what a Connection header names, but not what we vouch for', () => {
    const forwarded = forward(['Connection', 'close, X-Private, X-Remote-User', 'X-Private', '1', 'TE', 'gzip']);
    expect(forwarded).not.toHaveProperty('x-private');
    expect(forwarded).not.toHaveProperty('connection');
    expect(forwarded).not.toHaveProperty('te');
    expect(forwarded['x-remote-user']).toEqual(['alice']);
  });

  test('keeps a token only where it is the credential', () => {
    const raw = ['Authorization', 'Bearer abc'];
    expect(forward(raw)).not.toHaveProperty('authorization');
    const withToken = forward(raw, { kind: 'token' });
    expect(withToken['authorization']).toEqual(['Bearer abc']);
    expect(Object.keys(withToken).filter((name) => name.startsWith('x-remote-'))).toEqual([]);
  });

  test('lets impersonation pass beside the identity that has to be allowed it', () => {
    expect(forward(['Impersonate-User', 'bob'])).toMatchObject({
      'impersonate-user': ['bob'],
      'x-remote-user': ['alice'],
    });
  });
});

describe('endToEndHeaders', () => {
  test('keeps repeated headers apart and in order, and drops pseudo-headers', () => {
    const lines = endToEndHeaders([':path', '/', 'Accept', 'a', 'X-Thing', '1', 'accept', 'b']);
    expect([...lines]).toEqual([
      ['accept', ['a', 'b']],
      ['x-thing', ['1']],
    ]);
  });
});

describe('apiCredential', () => {
  test.each([
    ['a bearer token', { authorization: 'Bearer abc' }, true],
    ['a bearer token with another spelling of the scheme', { authorization: 'bearer abc' }, true],
    ['a browser’s WebSocket token', { 'sec-websocket-protocol': 'v4, base64url.bearer.authorization.k8s.io.YQ' }, true],
    ['an empty bearer token', { authorization: 'Bearer ' }, false],
    ['a password', { authorization: 'Basic YTpi' }, false],
    ['nothing', {}, false],
  ])('%s without a certificate', (_, headers, accepted) => {
    expect(apiCredential(undefined, headers)).toEqual(accepted ? { kind: 'token' } : undefined);
  });

  test('a certificate counts before a token', () => {
    expect(apiCredential(alice.identity, { authorization: 'Bearer abc' })).toEqual(alice);
  });
});
