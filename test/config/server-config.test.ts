import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { explain, renderExplanation } from '../../src/config/explain.ts';
import type { HostFacts } from '../../src/config/host.ts';
import { loadDataDir } from '../../src/config/data-dir.ts';
import { loadServerConfig, type LoadServerConfigOptions, type ServerConfig } from '../../src/config/server-config.ts';
import { SERVER_OPTIONS } from '../../src/config/server-options.ts';

const host: HostFacts = {
  hostname: 'Machine.example.com',
  addresses: [
    { networkInterface: 'cni0', address: '10.42.0.1', family: 4 },
    { networkInterface: 'eth0', address: '192.0.2.10', family: 4 },
    { networkInterface: 'eth0', address: 'fd00::10', family: 6 },
    { networkInterface: 'eth1', address: '198.51.100.10', family: 4 },
  ],
  defaultInterface: { 4: 'eth1', 6: 'eth0' },
};
const host6: HostFacts = {
  hostname: 'six',
  addresses: [{ networkInterface: 'eth0', address: 'fd00::10', family: 6 }],
  defaultInterface: {},
};

async function configFile(content: string, dropIn?: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'k3s-server-config-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'config.yaml');
  await writeFile(path, content);
  if (dropIn !== undefined) {
    await mkdir(`${path}.d`);
    await writeFile(join(`${path}.d`, '10-more.yaml'), dropIn);
  }
  return path;
}

async function load(
  argv: string,
  change: Partial<LoadServerConfigOptions> & { file?: string } = {},
): Promise<ServerConfig> {
  const K3S_CONFIG_FILE = change.file ?? (await configFile(''));
  return loadServerConfig({
    argv: argv === '' ? [] : argv.split(' '),
    host,
    clock: new VirtualClock(),
    ...change,
    environment: { K3S_CONFIG_FILE, ...change.environment },
  });
}

describe('without any option', () => {
  test('a server is configured as k3s is', async () => {
    expect(await load('')).toMatchObject({
      dataDir: '/var/lib/rancher/k3s',
      token: undefined,
      nodeName: 'machine.example.com',
      hostname: 'Machine.example.com',
      nodeIp: ['198.51.100.10'],
      advertiseAddress: '198.51.100.10',
      bindAddress: '0.0.0.0',
      loopback: '127.0.0.1',
      httpsListenPort: 6443,
      advertisePort: 6443,
      apiServerPort: 6444,
      clusterCidr: ['10.42.0.0/16'],
      serviceCidr: ['10.43.0.0/16'],
      serviceIp: ['10.43.0.1'],
      clusterDns: ['10.43.0.10'],
      clusterDomain: 'cluster.local',
      serviceNodePortRange: '30000-32767',
      flannelBackend: 'vxlan',
      apiFront: 'splice',
      snapshotter: 'overlayfs',
      writeKubeconfig: undefined,
      writeKubeconfigMode: 0o600,
      datastore: { kind: 'sqlite', path: '/var/lib/rancher/k3s/server/db/state.db' },
    });
  });

  test('an IPv6-only machine gets IPv6 networks', async () => {
    expect(await load('', { host: host6 })).toMatchObject({
      nodeIp: ['fd00::10'],
      clusterCidr: ['fd00:42::/56'],
      serviceCidr: ['fd00:43::/112'],
      serviceIp: ['fd00:43::1'],
      clusterDns: ['fd00:43::a'],
      bindAddress: '::',
      loopback: '::1',
    });
  });

  test('the configuration is frozen, lists included', async () => {
    const config = await load('');
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.clusterCidr)).toBe(true);
    expect(Object.isFrozen(config.tlsSan)).toBe(true);
  });
});

describe('precedence', () => {
  test('flag over environment over file over default', async () => {
    const file = await configFile('node-name: file\ndata-dir: /file\nwrite-kubeconfig-mode: 0644\nlog: json\n');
    const environment = { K3S_NODE_NAME: 'environment', K3S_DATA_DIR: '/environment' };
    const config = await load('--node-name flag', { file, environment });
    expect(config).toMatchObject({
      nodeName: 'flag',
      dataDir: '/environment',
      writeKubeconfigMode: 0o644,
      log: 'json',
      clusterDomain: 'cluster.local',
    });
    const sources = ['node-name', 'data-dir', 'log', 'cluster-domain'].map((name) => config.sources.get(name)?.[0]);
    expect(sources).toEqual([
      { kind: 'flag' },
      { kind: 'environment', variable: 'K3S_DATA_DIR' },
      { kind: 'file', path: file, line: 4 },
      { kind: 'default' },
    ]);
  });

  test('lists of file, drop-in and flags come together', async () => {
    const file = await configFile('tls-san: [a, "b,c"]\nnode-label: x=1\n', 'tls-san+: d\n');
    const config = await load('--tls-san e --node-label y=2', { file });
    expect(config.tlsSan).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(config.nodeLabel).toEqual(['x=1', 'y=2']);
  });

  test('the variable for the file wins over the flag, and the flag over the usual place', async () => {
    const one = await configFile('node-name: one\n');
    const two = await configFile('node-name: two\n');
    expect((await load(`--config ${one}`, { file: two })).nodeName).toBe('two');
    const onlyFlag = await load(`-c ${one}`, { environment: { K3S_CONFIG_FILE: undefined } });
    expect(onlyFlag.nodeName).toBe('one');
  });

  test('a file that was named has to exist', async () => {
    await expect(load('', { file: '/nonexistent/config.yaml' })).rejects.toMatchObject({
      code: 'K3S_CONFIG_FILE_MISSING',
    });
  });
});

describe('tokens', () => {
  test('come from files, unless they are given directly', async () => {
    const directory = dirname(await configFile(''));
    await writeFile(join(directory, 'token'), 'from-file\n');
    const flags = `--token-file ${directory}/token --agent-token-file ${directory}/token`;
    expect(await load(flags)).toMatchObject({ token: 'from-file', agentToken: 'from-file' });
    expect(await load(`${flags} --token given`)).toMatchObject({ token: 'given', agentToken: 'from-file' });
  });
});

describe('addresses', () => {
  test('of both families make a cluster of both', async () => {
    const config = await load(
      '--cluster-cidr 10.50.0.0/16,fd50::/56 --service-cidr 10.51.0.0/16 --service-cidr fd51::/112',
    );
    expect(config).toMatchObject({
      clusterCidr: ['10.50.0.0/16', 'fd50::/56'],
      serviceCidr: ['10.51.0.0/16', 'fd51::/112'],
      clusterDns: ['10.51.0.10', 'fd51::a'],
      nodeIp: ['198.51.100.10', 'fd00::10'],
      bindAddress: '::',
      loopback: '127.0.0.1',
    });
  });

  test('given for pods alone decide the family of services', async () => {
    const config = await load('--cluster-cidr fd50::/56,10.50.0.0/16');
    expect(config).toMatchObject({ serviceCidr: ['fd00:43::/112', '10.43.0.0/16'], advertiseAddress: 'fd00::10' });
  });

  test('of the node come from the interface of flannel, or from anywhere but the pods', async () => {
    expect((await load('--flannel-iface eth0')).nodeIp).toEqual(['192.0.2.10']);
    expect((await load('', { host: { ...host, defaultInterface: {} } })).nodeIp).toEqual(['192.0.2.10']);
  });

  test('from outside are advertised first', async () => {
    const config = await load('--node-ip 192.0.2.9 --node-external-ip 203.0.113.1,2001:db8:0::1');
    expect(config.advertiseAddress).toBe('203.0.113.1');
    expect(config.nodeExternalIp).toEqual(['203.0.113.1', '2001:db8::1']);
  });

  test('are advertised and bound as the user says', async () => {
    const config = await load('--advertise-address 203.0.113.9 --advertise-port 443 --bind-address 127.0.0.1');
    expect(config).toMatchObject({ advertiseAddress: '203.0.113.9', advertisePort: 443, bindAddress: '127.0.0.1' });
  });

  test('of a node in IPv6 beside one in IPv4 leave the cluster with IPv4', async () => {
    expect(await load('--node-ip 192.0.2.9,fd00::9')).toMatchObject({
      nodeIp: ['192.0.2.9', 'fd00::9'],
      clusterCidr: ['10.42.0.0/16'],
    });
  });
});

describe('paths', () => {
  test('are absolute', async () => {
    const config = await load('--data-dir data --write-kubeconfig kube/config');
    expect(config.dataDir).toBe(join(process.cwd(), 'data'));
    expect(config.writeKubeconfig).toBe(join(process.cwd(), 'kube/config'));
    expect(config.datastore.path).toBe(join(process.cwd(), 'data/server/db/state.db'));
  });

  test.each([
    ['sqlite:///srv/state.db', '/srv/state.db'],
    ['sqlite://./db/other.db', '/d/server/db/other.db'],
  ])('of the datastore follow from %s', async (endpoint, path) => {
    expect((await load(`--data-dir /d --datastore-endpoint ${endpoint}`)).datastore.path).toBe(path);
  });
});

describe('mistakes are refused before anything starts', () => {
  test.each([
    ['--cluster-cidr 10.42.0.0/33', 'flag --cluster-cidr: "10.42.0.0/33" is not valid, expected a network'],
    ['--cluster-cidr 10.1.0.0/16,10.2.0.0/16', 'one for each IP family'],
    ['--cluster-cidr fd50::/56 --service-cidr 10.43.0.0/16', 'the same IP families as service-cidr has (IPv4)'],
    ['--cluster-cidr 10.43.128.0/17', 'a network apart from service-cidr (10.43.0.0/16)'],
    ['--cluster-cidr 10.50.0.0/25', 'a network of /24 or larger'],
    ['--service-cidr 10.43.0.0/29', 'a network with more than 10 addresses'],
    ['--cluster-dns 10.44.0.10', 'an address within service-cidr (10.43.0.0/16)'],
    ['--cluster-dns 10.43.0.1', 'another address than the first two'],
    ['--cluster-dns 10.43.0.10,10.43.0.11', 'one for each IP family'],
    ['--cluster-dns dns', 'an IPv4 or IPv6 address'],
    ['--node-ip 10.42.3.4', "outside of the cluster's network 10.42.0.0/16"],
    ['--node-ip 10.43.0.99', "outside of the cluster's network 10.43.0.0/16"],
    ['--node-ip host', 'an IPv4 or IPv6 address'],
    ['--node-ip 192.0.2.1,192.0.2.2', 'one for each IP family'],
    ['--node-ip fd00::9 --service-cidr 10.43.0.0/16', 'also an IPv4 address'],
    ['--advertise-address fd00::9', 'an IPv4 address, the family of the first service-cidr'],
    ['--bind-address everywhere', 'an IPv4 or IPv6 address'],
    ['--flannel-iface eth9', 'this machine has cni0, eth0, eth1'],
    ['--node-name Upper', 'a DNS name'],
    ['--node-name under_score', 'a DNS name'],
    ['--cluster-domain .local', 'a DNS name'],
    ['--tls-san https://x', 'a host name or an IP address'],
    ['--node-label worker', 'KEY=VALUE'],
    ['--node-taint worker', 'KEY=VALUE:EFFECT'],
    ['--service-node-port-range 30000', 'FROM-TO'],
    ['--service-node-port-range 30000-29999', 'FROM-TO'],
    ['--service-node-port-range 30000-70000', 'FROM-TO'],
    ['--write-kubeconfig-mode 0888', 'permissions in octal'],
    ['--write-kubeconfig-mode rw', 'permissions in octal'],
    ['--https-listen-port 65535', 'a whole number from 1 to 65534'],
    ['--system-default-registry https://x', 'without https://'],
    ['--kubelet-arg =x', 'KEY=VALUE'],
    ['--kube-apiserver-arg -v', 'KEY=VALUE'],
    ['--flannel-backend ipsec', 'one of vxlan, host-gw, none'],
  ])('%s', async (argv, expected) => {
    await expect(load(argv)).rejects.toMatchObject({
      code: 'K3S_CONFIG_VALUE',
      message: expect.stringContaining(expected),
    });
  });

  test('a datastore that is not SQLite, without repeating its password', async () => {
    const error: unknown = await load('--datastore-endpoint mysql://root:hunter2@tcp(db)/k3s').catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'K3S_CONFIG_VALUE', message: expect.stringContaining('sqlite://FILE') });
    expect(String(error)).not.toContain('hunter2');
  });

  test('an argument that is not an option', async () => {
    await expect(load('start')).rejects.toMatchObject({ code: 'K3S_CONFIG_UNEXPECTED_ARGUMENT' });
  });

  test('a machine without an address', async () => {
    const bare = { ...host, addresses: [], defaultInterface: {} };
    await expect(load('', { host: bare })).rejects.toMatchObject({ code: 'K3S_CONFIG_NO_NODE_IP' });
    await expect(load('--flannel-iface eth1 --cluster-cidr fd50::/56')).rejects.toThrow(
      "the interface eth1 has no IPv6 address that could be the node's",
    );
  });

  test('a mistake in the file names the line', async () => {
    const file = await configFile('debug: true\ncluster-dns: 1.1.1.1\n');
    await expect(load('', { file })).rejects.toThrow(`${file} line 2, key cluster-dns: "1.1.1.1" is not valid`);
  });

  test('but a smaller pod network is fine for who sets the share of a node', async () => {
    const argv = '--cluster-cidr 10.50.0.0/25 --kube-controller-manager-arg node-cidr-mask-size=27';
    expect((await load(argv)).clusterCidr).toEqual(['10.50.0.0/25']);
  });
});

describe('an explanation', () => {
  test('says of every option what it is and why, and tells no secret', async () => {
    const file = await configFile('tls-san: [a]\n', 'agent-token: hunter2\n');
    const config = await load('--token hunter2 --tls-san b --debug', { file });
    const rows = explain(config);
    const row = (name: string): string | undefined =>
      renderExplanation(rows.filter((option) => option.name === name)).trimEnd();
    expect(row('tls-san')).toBe(`tls-san = a, b  (${file} line 1, key tls-san, flag --tls-san)`);
    expect(row('debug')).toBe('debug = true  (flag --debug)');
    expect(row('token')).toBe('token = ********  (flag --token)');
    expect(row('node-ip')).toBe('node-ip = 198.51.100.10  (default: that of the interface with the default route)');
    expect(row('cluster-domain')).toBe('cluster-domain = cluster.local  (default)');
    expect(row('write-kubeconfig-mode')).toBe('write-kubeconfig-mode = 0600  (default)');
    expect(row('datastore-endpoint')).toContain('= sqlite:///var/lib/rancher/k3s/server/db/state.db  (default:');
    expect(row('pause-image')).toBe('pause-image =   (default: built in)');
    expect(renderExplanation(rows)).not.toContain('hunter2');
    const left = SERVER_OPTIONS.map((option) => option.name).filter((name) => !rows.some((r) => r.name === name));
    expect(left).toEqual(['config', 'token-file', 'agent-token-file']);
  });

  test('names the file that a token came from', async () => {
    const directory = dirname(await configFile(''));
    await writeFile(join(directory, 'token'), 'hunter2\n');
    const config = await load(`--token-file ${directory}/token`);
    expect(explain(config).find((row) => row.name === 'token')).toEqual({
      name: 'token',
      value: '********',
      source: 'flag --token-file',
    });
  });
});

describe('the data directory, for commands that only look for it', () => {
  test('follows flag, environment, file and default', async () => {
    const file = await configFile('data-dir: /file\ntoken: x\n');
    const environment = { K3S_CONFIG_FILE: file, K3S_DATA_DIR: '/environment' };
    expect(await loadDataDir(['--data-dir', '/flag'], environment)).toBe('/flag');
    expect(await loadDataDir([], environment)).toBe('/environment');
    expect(await loadDataDir([], { K3S_CONFIG_FILE: file })).toBe('/file');
    expect(await loadDataDir([], { K3S_CONFIG_FILE: await configFile('') })).toBe('/var/lib/rancher/k3s');
  });
});
