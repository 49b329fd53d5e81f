import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger, silentLogger } from '../../src/core/log.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { privateKeyPem, generateEcKey } from '../../src/pki/private-key.ts';
import { serverNames } from '../../src/pki/server-names.ts';
import { ensureNodePki, ensureServerPki, type PkiOptions } from '../../src/pki/server-pki.ts';

const node = {
  nodeName: 'node-1',
  nodeIps: ['192.0.2.10', 'fd00::10'],
  nodeExternalIps: ['198.51.100.7'],
  clusterDomain: 'cluster.local',
  serverNames: serverNames({
    nodeName: 'node-1',
    hostname: 'machine.example.com',
    nodeIps: ['192.0.2.10', 'fd00::10'],
    nodeExternalIps: ['198.51.100.7'],
    serviceIps: ['10.43.0.1'],
    advertiseAddress: '198.51.100.7',
    tlsSans: ['API.example.com', '*.k3s.example.com'],
  }),
};

async function setUp(change: Partial<PkiOptions> = {}): Promise<PkiOptions> {
  const dataDir = await mkdtemp(join(tmpdir(), 'k3s-pki-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return { dataDir, node, clock: systemClock, log: silentLogger, leafLifetime: 365 * 86_400_000, ...change };
}

async function tree(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const modes = await Promise.all(files.sort().map(async (file) => (await stat(file)).mode & 0o777));
  return Object.fromEntries(files.map((file, index) => [relative(directory, file), (modes[index] ?? 0).toString(8)]));
}

const pair = (base: string): [string, string][] => [
  [`${base}.crt`, '644'],
  [`${base}.key`, '600'],
];

test('a server has the files that k3s has, with their modes', async () => {
  const options = await setUp();
  await ensureServerPki(options);
  expect(await tree(join(options.dataDir, 'server/tls'))).toEqual(
    Object.fromEntries([
      ...['client-ca', 'server-ca', 'request-header-ca', 'etcd/server-ca', 'etcd/peer-ca'].flatMap(pair),
      ...['client-admin', 'client-supervisor', 'client-controller', 'client-scheduler'].flatMap(pair),
      ...['client-kube-apiserver', 'client-k3s-cloud-controller', 'client-auth-proxy'].flatMap(pair),
      ...['serving-kube-apiserver', 'serving-supervisor'].flatMap(pair),
      ...['kube-scheduler/kube-scheduler', 'kube-controller-manager/kube-controller-manager'].flatMap(pair),
      ...['etcd/client', 'etcd/server-client', 'etcd/peer-server-client'].flatMap(pair),
      ['client-ca.nochain.crt', '644'],
      ['server-ca.nochain.crt', '644'],
      ['service.key', '600'],
      ['service.current.key', '600'],
    ]),
  );
});

test('a node has the files that k3s has, all of them private', async () => {
  const options = await setUp();
  const { authorities } = await ensureServerPki(options);
  const pki = await ensureNodePki(authorities, options);
  const bases = ['serving-kubelet', 'client-kubelet', 'client-kube-proxy', 'client-k3s-controller'];
  const files = [...bases.flatMap((base) => [`${base}.crt`, `${base}.key`]), 'client-ca.crt', 'server-ca.crt'];
  expect(await tree(join(options.dataDir, 'agent'))).toEqual(Object.fromEntries(files.map((file) => [file, '600'])));
  expect(await readFile(pki.clientAuthorityFile, 'utf8')).toBe(authorities.client.bundle);
  expect(await readFile(pki.serverAuthorityFile, 'utf8')).toBe(authorities.server.bundle);
});

describe('certificates say what k3s lets them say', () => {
  const CLIENT = '1.3.6.1.5.5.7.3.2';
  const SERVER = '1.3.6.1.5.5.7.3.1';
  const loopback = ['DNS:localhost', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1'];
  const server = [
    'DNS:api.example.com',
    'DNS:*.k3s.example.com',
    'IP Address:127.0.0.1',
    'IP Address:0:0:0:0:0:0:0:1',
    'DNS:localhost',
    'DNS:node-1',
    'IP Address:198.51.100.7',
    'DNS:machine',
    'IP Address:192.0.2.10',
    'IP Address:FD00:0:0:0:0:0:0:10',
    'IP Address:10.43.0.1',
  ];
  const kubernetes = [
    'DNS:kubernetes',
    'DNS:kubernetes.default',
    'DNS:kubernetes.default.svc',
    'DNS:kubernetes.default.svc.cluster.local',
  ];

  test('those of the server', async () => {
    const { leaves, authorities } = await ensureServerPki(await setUp());
    const seen = Object.entries(leaves).map(([name, leaf]) => {
      const certificate = new X509Certificate(leaf.certificatePem);
      const names = certificate.subjectAltName?.split(', ') ?? [];
      const issuer = Object.entries(authorities).find(([, a]) => certificate.verify(a.certificate.publicKey));
      return [name, certificate.subject, certificate.keyUsage, names, issuer?.[0]];
    });
    expect(seen).toEqual([
      ['admin', 'O=system:masters\nCN=system:admin', [CLIENT], [], 'client'],
      ['supervisor', 'O=system:masters\nCN=system:k3s-supervisor', [CLIENT], [], 'client'],
      ['controllerManager', 'CN=system:kube-controller-manager', [CLIENT], [], 'client'],
      ['scheduler', 'CN=system:kube-scheduler', [CLIENT], [], 'client'],
      ['apiServerClient', 'O=system:masters\nCN=system:apiserver', [CLIENT], [], 'client'],
      ['cloudController', 'CN=k3s-cloud-controller-manager', [CLIENT], [], 'client'],
      ['authProxy', 'CN=system:auth-proxy', [CLIENT], [], 'requestHeader'],
      ['apiServerServing', 'CN=kube-apiserver', [SERVER], [...kubernetes, ...server], 'server'],
      ['supervisorServing', 'O=k3s\nCN=k3s', [SERVER], [...kubernetes, ...server], 'server'],
      ['schedulerServing', 'CN=kube-scheduler', [SERVER], loopback, 'server'],
      ['controllerManagerServing', 'CN=kube-controller-manager', [SERVER], loopback, 'server'],
      ['etcdClient', 'CN=etcd-client', [CLIENT], [], 'etcdServer'],
      ['etcdServer', 'CN=etcd-server', [SERVER, CLIENT], ['DNS:kine.sock', ...server], 'etcdServer'],
      ['etcdPeer', 'CN=etcd-peer', [SERVER, CLIENT], ['DNS:kine.sock', ...server], 'etcdPeer'],
    ]);
  });

  test('those of the node', async () => {
    const options = await setUp();
    const { leaves } = await ensureNodePki((await ensureServerPki(options)).authorities, options);
    const seen = Object.entries(leaves).map(
      ([name, leaf]) => [name, new X509Certificate(leaf.certificatePem)] as const,
    );
    expect(Object.fromEntries(seen.map(([name, certificate]) => [name, certificate.subject]))).toEqual({
      kubeletServing: 'CN=node-1',
      kubelet: 'O=system:nodes\nCN=system:node:node-1',
      kubeProxy: 'CN=system:kube-proxy',
      nodeController: 'CN=system:k3s-controller',
    });
    expect(seen[0]?.[1].subjectAltName?.split(', ')).toEqual([
      'DNS:node-1',
      ...loopback,
      'IP Address:192.0.2.10',
      'IP Address:FD00:0:0:0:0:0:0:10',
      'IP Address:198.51.100.7',
    ]);
  });
});

test('openssl verifies every certificate strictly against its authority', async () => {
  const options = await setUp();
  const pki = await ensureServerPki(options);
  const nodePki = await ensureNodePki(pki.authorities, options);
  const tls = pki.directory;
  const verify = (authority: string, files: string[]): string =>
    execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', join(tls, `${authority}.crt`), ...files], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const { leaves } = pki;
  const clients = [leaves.admin, leaves.scheduler, leaves.apiServerClient, nodePki.leaves.kubelet];
  const servers = [leaves.apiServerServing, leaves.supervisorServing, nodePki.leaves.kubeletServing];
  const paths = (list: readonly { certificateFile: string }[]): string[] => list.map((leaf) => leaf.certificateFile);
  expect(verify('client-ca', paths(clients)).trim().split('\n')).toHaveLength(4);
  expect(verify('server-ca', paths(servers)).trim().split('\n')).toHaveLength(3);
  expect(verify('etcd/peer-ca', paths([leaves.etcdPeer]))).toContain(': OK');
  expect(() => verify('client-ca', paths([leaves.authProxy]))).toThrow();
});

test('a client and the supervisor shake hands, each proving who it is', async () => {
  const pki = await ensureServerPki(await setUp());
  const server = createServer({
    cert: pki.leaves.supervisorServing.certificatePem,
    key: pki.leaves.supervisorServing.keyPem,
    ca: pki.authorities.client.bundle,
    requestCert: true,
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const client = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    servername: 'kubernetes',
    ca: pki.authorities.server.bundle,
    cert: pki.leaves.admin.certificatePem,
    key: pki.leaves.admin.keyPem,
  });
  onTestFinished(() => void client.destroy());
  await once(client, 'secureConnect');
  const [socket] = await accepted;
  expect(client.authorized).toBe(true);
  expect(client.getPeerCertificate().subject).toMatchObject({ CN: 'k3s', O: 'k3s' });
  expect(socket.authorized).toBe(true);
  expect(socket.getPeerCertificate().subject).toMatchObject({ CN: 'system:admin', O: 'system:masters' });
});

test('a second start changes no file', async () => {
  const options = await setUp();
  const read = async (): Promise<string[]> => {
    const files = Object.keys(await tree(options.dataDir)).sort();
    return Promise.all(files.map((file) => readFile(join(options.dataDir, file), 'utf8')));
  };
  const first = await ensureServerPki(options);
  await ensureNodePki(first.authorities, options);
  const before = await read();
  const second = await ensureServerPki(options);
  await ensureNodePki(second.authorities, options);
  expect(await read()).toEqual(before);
});

test('what is issued is logged with its reason', async () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const log = createLogger({ clock, level: 'debug', format: 'text', write: (line) => lines.push(line) });
  const options = await setUp({ clock, log });
  await ensureServerPki(options);
  expect(lines).toHaveLength(14);
  lines.length = 0;
  await ensureServerPki({ ...options, node: { ...node, serverNames: [...node.serverNames, 'new.example.com'] } });
  expect(lines).toHaveLength(4);
  expect(lines[0]).toContain('because="it lacks the name new.example.com"');
});

describe('the keys of service account tokens', () => {
  test('are RSA 2048 in the form that Go programs write', async () => {
    const { serviceAccountKeys } = await ensureServerPki(await setUp());
    const pem = await readFile(serviceAccountKeys.keyFile, 'utf8');
    expect(pem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
    expect(await readFile(serviceAccountKeys.signingKeyFile, 'utf8')).toBe(pem);
  });

  test('may be several, of which the first signs', async () => {
    const options = await setUp();
    const { serviceAccountKeys } = await ensureServerPki(options);
    const old = await readFile(serviceAccountKeys.keyFile, 'utf8');
    const added = privateKeyPem(await generateEcKey());
    await writeFile(serviceAccountKeys.keyFile, added + old);
    await ensureServerPki(options);
    expect(await readFile(serviceAccountKeys.signingKeyFile, 'utf8')).toBe(added);
    expect(await readFile(serviceAccountKeys.keyFile, 'utf8')).toBe(added + old);
  });

  test('are refused when they are damaged', async () => {
    const options = await setUp();
    const { serviceAccountKeys } = await ensureServerPki(options);
    await writeFile(serviceAccountKeys.keyFile, 'damaged');
    await expect(ensureServerPki(options)).rejects.toMatchObject({
      code: 'K3S_PKI_DAMAGED_FILE',
      fields: { path: serviceAccountKeys.keyFile },
    });
  });
});

test('a server is known by every name and address that it may be reached by, each once', () => {
  expect(node.serverNames).toEqual([
    'api.example.com',
    '*.k3s.example.com',
    '127.0.0.1',
    '::1',
    'localhost',
    'node-1',
    '198.51.100.7',
    'machine',
    '192.0.2.10',
    'fd00::10',
    '10.43.0.1',
  ]);
});
