import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadKubeconfig } from '../../src/cluster/kubeconfig.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig with one context, `main`, beside the files that it names. */
async function kubeconfig(cluster: object, user: object, files: Record<string, string> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'k3s-kubeconfig-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content, { mode: 0o700 });
  const path = join(directory, 'config.yaml');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u' } },
      { name: 'broken', context: { cluster: 'absent', user: 'u' } },
    ],
    'current-context': 'main',
  };
  await writeFile(path, dump(config));
  return path;
}

describe('a kubeconfig', () => {
  test('gives the credentials that are written in it', async () => {
    const path = await kubeconfig(
      { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
      { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
    );
    expect(await loadKubeconfig(path)).toEqual({
      server: 'https://127.0.0.1:6443',
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      serverName: 'kubernetes',
    });
  });

  test('gives the credentials of the files that it names, which are beside it', async () => {
    const path = await kubeconfig(
      { 'certificate-authority': 'ca.crt', 'insecure-skip-tls-verify': true },
      { 'client-certificate': 'client.crt', 'client-key': 'client.key', tokenFile: 'token' },
      { 'ca.crt': 'CA', 'client.crt': 'CERT', 'client.key': 'KEY', token: 'TOKEN\n' },
    );
    expect(await loadKubeconfig(path, 'main')).toEqual({
      server: 'https://127.0.0.1:6443',
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      token: 'TOKEN',
      insecure: true,
    });
  });

  test('gives a token that is written in it before that of a file', async () => {
    const path = await kubeconfig({}, { token: 'inline', tokenFile: 'absent' });
    expect(await loadKubeconfig(path)).toMatchObject({ token: 'inline' });
  });

  test('runs the login program of its user, again when what it said has expired', async () => {
    const script = `#!/bin/sh
echo x >> "$(dirname "$0")/calls"
count=$(wc -l < "$(dirname "$0")/calls" | tr -d ' ')
echo "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"token-$count\\",\\"expirationTimestamp\\":\\"2020-01-01T00:00:00Z\\"}}"
`;
    const path = await kubeconfig({}, {}, { login: script });
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: join(path, '../login'), args: [] };
    await writeFile(
      path,
      dump({
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443' } }],
        users: [{ name: 'u', user: { exec } }],
        contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'main',
      }),
    );
    const { token } = await loadKubeconfig(path);
    const ask = async (): Promise<number> =>
      Number((typeof token === 'function' ? await token() : '')?.replace('token-', ''));
    const [first, second] = [await ask(), await ask()];
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
  });

  test('says which login failed', async () => {
    const path = await kubeconfig(
      {},
      { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/nonexistent/login' } },
    );
    await expect(loadKubeconfig(path)).rejects.toMatchObject({
      code: 'K3S_KUBECONFIG_LOGIN',
      fields: { context: 'main' },
    });
  });

  test.each<[string, () => Promise<string>, string | undefined, string, RegExp]>([
    [
      'that is absent',
      async () => '/nonexistent/kubeconfig',
      undefined,
      'K3S_KUBECONFIG_UNREADABLE',
      /cannot be read$/,
    ],
    [
      'naming an absent file',
      () => kubeconfig({ 'certificate-authority': 'absent.crt' }, {}),
      undefined,
      'K3S_KUBECONFIG_UNREADABLE',
      /absent\.crt cannot be read$/,
    ],
    [
      'without the context',
      () => kubeconfig({}, {}),
      'other',
      'K3S_KUBECONFIG_INVALID',
      /it has no context named other$/,
    ],
    [
      'without the cluster',
      () => kubeconfig({}, {}),
      'broken',
      'K3S_KUBECONFIG_INVALID',
      /it has no cluster named absent$/,
    ],
    [
      'with a proxy',
      () => kubeconfig({ 'proxy-url': 'http://proxy' }, {}),
      undefined,
      'K3S_KUBECONFIG_INVALID',
      /proxy-url is not supported$/,
    ],
    [
      'without a server',
      () => kubeconfig({ server: '' }, {}),
      undefined,
      'K3S_KUBECONFIG_INVALID',
      /cluster c has no server$/,
    ],
  ])('%s is an error that says what is wrong', async (_, make, context, code, message) => {
    await expect(loadKubeconfig(await make(), context)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['', /it is no YAML mapping$/],
    ['- a', /it is no YAML mapping$/],
    ['{', /it is no YAML mapping$/],
    ['clusters: []', /it names no current context$/],
  ])('that reads %j is an error that says what is wrong', async (content, message) => {
    const path = await kubeconfig({}, {});
    await writeFile(path, content);
    await expect(loadKubeconfig(path)).rejects.toMatchObject({
      code: 'K3S_KUBECONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
