import { describe, expect, test } from 'vitest';
import type { PasswordEntry } from '../../src/pki/password-file.ts';
import { createAuthenticator } from '../../src/supervisor/authentication.ts';

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const node = { name: 'system:node:one', groups: ['system:nodes'] };
const passwd: PasswordEntry[] = [
  { name: 'server', password: 'secret', id: 'server', role: 'k3s:server' },
  { name: 'node', password: 'other', id: 'node', role: 'k3s:agent' },
];
const authenticator = createAuthenticator(() => passwd);

describe('createAuthenticator', () => {
  test.each<[string, string | undefined, string | undefined]>([
    ['the right password of a user', basic('server', 'secret'), 'server'],
    ['the password of another user', basic('server', 'other'), undefined],
    ['a wrong password', basic('server', 'secrets'), undefined],
    ['an unknown user', basic('nobody', 'secret'), undefined],
    ['an empty password', basic('server', ''), undefined],
    ['a password as a bearer token', 'Bearer other', 'node'],
    ['an empty bearer token', 'Bearer ', undefined],
    ['a scheme in other letters', basic('node', 'other').replace('Basic', 'bASIC'), 'node'],
    ['an unknown scheme', 'Digest secret', undefined],
    ['basic credentials without a colon', `Basic ${Buffer.from('secret').toString('base64')}`, undefined],
    ['nothing', undefined, undefined],
  ])('%s', async (_, authorization, user) => {
    const identity = await authenticator.authenticate({ certificate: undefined, authorization });
    expect(identity?.name).toBe(user);
  });

  test('a certificate stands where the password does not', async () => {
    expect(await authenticator.authenticate({ certificate: node, authorization: undefined })).toEqual(node);
    expect(await authenticator.authenticate({ certificate: node, authorization: basic('node', 'x') })).toEqual(node);
    expect(await authenticator.authenticate({ certificate: node, authorization: basic('node', 'other') })).toEqual({
      name: 'node',
      groups: ['k3s:agent'],
    });
  });

  test('asks for the entries each time, so that a rotated password counts at once', async () => {
    let entries = passwd;
    const rotating = createAuthenticator(() => entries);
    const credentials = { certificate: undefined, authorization: basic('server', 'secret') };
    expect(await rotating.authenticate(credentials)).toBeDefined();
    entries = [{ name: 'server', password: 'rotated', id: 'server', role: 'k3s:server' }];
    expect(await rotating.authenticate(credentials)).toBeUndefined();
  });
});
