import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/core/log.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { neededModules, neededSysctls, setUpKernel, type KernelNeeds } from '../../src/node/kernel-setup.ts';

const needs: KernelNeeds = { packetFilter: 'nftables', ipv6: false, bridgeFiltering: true, conntrack: {} };

test('a node with IPv4 and nftables needs forwarding, and services to be seen on the bridge', () => {
  expect(neededSysctls(needs)).toEqual([
    { path: 'net/ipv4/ip_forward', value: '1' },
    { path: 'net/bridge/bridge-nf-call-iptables', value: '1' },
  ]);
  expect(neededModules(needs)).toEqual(['overlay', 'nf_conntrack', 'br_netfilter', 'nf_tables']);
});

test('IPv6, iptables and what the user asks of connection tracking add to it', () => {
  const more: KernelNeeds = {
    packetFilter: 'iptables',
    ipv6: true,
    bridgeFiltering: false,
    conntrack: { max: 131072, tcpTimeoutEstablished: 86400 },
  };
  expect(
    neededSysctls(more).map(({ path, value, atLeast }) => `${path}=${value}${atLeast === true ? '+' : ''}`),
  ).toEqual([
    'net/ipv4/ip_forward=1',
    'net/ipv6/conf/all/forwarding=1',
    'net/core/devconf_inherit_init_net=1',
    'net/netfilter/nf_conntrack_max=131072+',
    'net/netfilter/nf_conntrack_tcp_timeout_established=86400',
  ]);
  expect(neededModules(more)).toContain('ip6table_nat');
  expect(neededModules(more)).not.toContain('br_netfilter');
});

test('sysctls are changed where they differ; what cannot be set is a warning and stops nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sysctl-'));
  const lines: string[] = [];
  const log = createLogger({
    clock: new VirtualClock(),
    level: 'info',
    format: 'text',
    write: (line) => lines.push(line.slice(25)),
  });
  const setting = async (path: string, value: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `${value}\n`);
  };
  try {
    await setting('net/ipv4/ip_forward', '0');
    await setting('net/netfilter/nf_conntrack_max', '262144');
    await setting('net/netfilter/nf_conntrack_tcp_timeout_established', '432000');
    await mkdir(join(folder, 'net/netfilter/nf_conntrack_tcp_timeout_close_wait'));
    const conntrack = { max: 1000, tcpTimeoutEstablished: 86400, tcpTimeoutCloseWait: 3600 };
    await setUpKernel({ ...needs, conntrack }, log, folder);
    expect(await readFile(join(folder, 'net/ipv4/ip_forward'), 'utf8')).toBe('1');
    expect(await readFile(join(folder, 'net/netfilter/nf_conntrack_max'), 'utf8')).toBe('262144\n');
    expect(lines.filter((line) => line.includes('sysctl'))).toEqual([
      'INFO  kernel setting changed sysctl=net/ipv4/ip_forward from=0 to=1',
      'WARN  the kernel has no such setting sysctl=net/bridge/bridge-nf-call-iptables wanted=1',
      'INFO  kernel setting changed sysctl=net/netfilter/nf_conntrack_tcp_timeout_established from=432000 to=86400',
      expect.stringMatching(/^WARN {2}a kernel setting could not be changed sysctl=\S*close_wait wanted=3600 error=/),
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
