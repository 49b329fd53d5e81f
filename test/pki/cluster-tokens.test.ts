import { mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { selfSignAuthority } from '../../src/pki/certificate.ts';
import { ensureClusterTokens, type ClusterTokensOptions } from '../../src/pki/cluster-tokens.ts';
import { authenticatePassword, formatPasswordFile, parsePasswordFile } from '../../src/pki/password-file.ts';
import { generateEcKey } from '../../src/pki/private-key.ts';
import { authorityHash } from '../../src/pki/token.ts';

const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') };

async function setUp(): Promise<ClusterTokensOptions & { server: string; hash: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'k3s-token-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const serverAuthority = selfSignAuthority('ca', await generateEcKey(), validity).toString();
  const hash = authorityHash(serverAuthority);
  return { dataDir, serverAuthority, token: undefined, agentToken: undefined, server: join(dataDir, 'server'), hash };
}

describe('a new cluster', () => {
  test('gets a random token that servers and agents share', async () => {
    const options = await setUp();
    const tokens = await ensureClusterTokens(options);
    expect(tokens.serverToken).toMatch(new RegExp(`^K10${options.hash}::server:[0-9a-f]{32}$`));
    expect(tokens.agentToken).toBe(tokens.serverToken);
    expect(await readFile(tokens.tokenFile, 'utf8')).toBe(`${tokens.serverToken}\n`);
    expect((await stat(tokens.tokenFile)).mode & 0o777).toBe(0o600);
    expect(await readlink(join(options.server, 'node-token'))).toBe('token');
    expect(await readlink(join(options.server, 'agent-token'))).toBe('token');
  });

  test('takes the token that the user gives, in any form', async () => {
    const short = await ensureClusterTokens({ ...(await setUp()), token: 'secret' });
    expect(short.serverToken).toMatch(/::server:secret$/);
    const long = await ensureClusterTokens({ ...(await setUp()), token: `K10${'0'.repeat(64)}::server:secret` });
    expect(long.serverToken).toMatch(/::server:secret$/);
  });

  test('refuses a bootstrap token for itself', async () => {
    const options = { ...(await setUp()), token: 'abcdef.0123456789abcdef' };
    await expect(ensureClusterTokens(options)).rejects.toMatchObject({ code: 'K3S_TOKEN_FORMAT' });
  });

  test('lets in servers and agents by basic authentication', async () => {
    const options = { ...(await setUp()), token: 'secret', agentToken: 'other' };
    const { users } = await ensureClusterTokens(options);
    expect(await readFile(join(options.server, 'cred/passwd'), 'utf8')).toBe(
      'other,node,node,k3s:agent\nsecret,server,server,k3s:server\n',
    );
    expect(authenticatePassword(users, 'server', 'secret')?.role).toBe('k3s:server');
    expect(authenticatePassword(users, 'node', 'other')?.role).toBe('k3s:agent');
    expect(authenticatePassword(users, 'server', 'other')).toBeUndefined();
    expect(authenticatePassword(users, 'nobody', 'secret')).toBeUndefined();
  });
});

describe('agents', () => {
  test('may have a token of their own, which can change', async () => {
    const options = await setUp();
    const first = await ensureClusterTokens({ ...options, agentToken: 'one' });
    expect(first.agentToken).toBe(`K10${options.hash}::node:one`);
    expect(await readFile(join(options.server, 'agent-token'), 'utf8')).toBe(`${first.agentToken}\n`);
    const second = await ensureClusterTokens({ ...options, agentToken: 'two' });
    expect(await readFile(join(options.server, 'agent-token'), 'utf8')).toBe(`${second.agentToken}\n`);
    expect(second.serverToken).toBe(first.serverToken);
  });

  test("go back to the servers' token when theirs is no longer given", async () => {
    const options = await setUp();
    await ensureClusterTokens({ ...options, agentToken: 'one' });
    const { users, serverToken } = await ensureClusterTokens(options);
    expect(await readFile(join(options.server, 'agent-token'), 'utf8')).toBe(`${serverToken}\n`);
    expect(authenticatePassword(users, 'node', 'one')).toBeUndefined();
  });
});

describe('an existing cluster', () => {
  test('keeps its token', async () => {
    const options = await setUp();
    const first = await ensureClusterTokens(options);
    expect(await ensureClusterTokens(options)).toEqual(first);
    const password = first.serverToken.split(':').at(-1) ?? '';
    expect((await ensureClusterTokens({ ...options, token: password })).serverToken).toBe(first.serverToken);
  });

  test('refuses another token without saying either', async () => {
    const options = await setUp();
    await ensureClusterTokens({ ...options, token: 'first-secret' });
    const error: unknown = await ensureClusterTokens({ ...options, token: 'second-secret' }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'K3S_TOKEN_MISMATCH', hint: expect.stringContaining('--token') });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/first-secret|second-secret/);
  });

  test('has its password file made again from the token', async () => {
    const options = await setUp();
    await ensureClusterTokens({ ...options, token: 'secret' });
    await rm(join(options.server, 'cred/passwd'));
    const { users } = await ensureClusterTokens(options);
    expect(authenticatePassword(users, 'server', 'secret')).toBeDefined();
  });

  test('pins the new authority when that was replaced', async () => {
    const options = await setUp();
    await ensureClusterTokens({ ...options, token: 'secret' });
    const serverAuthority = selfSignAuthority('ca', await generateEcKey(), validity).toString();
    const { serverToken } = await ensureClusterTokens({ ...options, serverAuthority });
    expect(serverToken).toBe(`K10${authorityHash(serverAuthority)}::server:secret`);
  });

  test('keeps the users that others added', async () => {
    const options = await setUp();
    await mkdir(join(options.server, 'cred'), { recursive: true });
    await writeFile(join(options.server, 'cred/passwd'), 'p,someone,someone,ops\n');
    const { users } = await ensureClusterTokens(options);
    expect(users.map((user) => user.name)).toEqual(['node', 'server', 'someone']);
  });

  test('says which file is damaged', async () => {
    const options = await setUp();
    await mkdir(options.server, { recursive: true });
    await writeFile(join(options.server, 'token'), 'K10broken\n');
    await expect(ensureClusterTokens(options)).rejects.toMatchObject({
      code: 'K3S_TOKEN_DAMAGED_FILE',
      fields: { path: join(options.server, 'token') },
    });
    await mkdir(join(options.server, 'cred'));
    await writeFile(join(options.server, 'cred/passwd'), 'p,server,server,k3s:server\nnothing\n');
    await expect(ensureClusterTokens(options)).rejects.toMatchObject({
      code: 'K3S_TOKEN_DAMAGED_FILE',
      message: expect.stringContaining('cred/passwd line 2'),
    });
  });
});

test('a password file carries passwords with commas and quotes', () => {
  const entries = [{ password: 'a,"b"', name: 'x', id: 'x', role: 'k3s:agent' }];
  expect(formatPasswordFile(entries)).toBe('"a,""b""",x,x,k3s:agent\n');
  expect(parsePasswordFile('passwd', formatPasswordFile(entries))).toEqual(entries);
});
