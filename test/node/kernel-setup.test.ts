import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/core/log.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { neededModules, neededSysctls, setUpKernel, type KernelNeeds } from '../../src/node/kernel-setup.ts';

const needs: KernelNeeds = { packetFilter: 'nftables', ipv6: false, bridgeFiltering: true };

test('a node with IPv4 and nftables needs forwarding, and services to be seen on the bridge', () => {
  expect(neededSysctls(needs)).toEqual([
    { path: 'net/ipv4/ip_forward', value: '1' },
    { path: 'net/bridge/bridge-nf-call-iptables', value: '1' },
  ]);
  expect(neededModules(needs)).toEqual(['overlay', 'nf_conntrack', 'br_netfilter', 'nf_tables']);
});

test('IPv6 and iptables add to it', () => {
  const more: KernelNeeds = { packetFilter: 'iptables', ipv6: true, bridgeFiltering: true };
  expect(neededSysctls(more).map(({ path, value }) => `${path}=${value}`)).toEqual([
    'net/ipv4/ip_forward=1',
    'net/bridge/bridge-nf-call-iptables=1',
    'net/ipv6/conf/all/forwarding=1',
    'net/core/devconf_inherit_init_net=1',
    'net/bridge/bridge-nf-call-ip6tables=1',
  ]);
  expect(neededModules(more)).toContain('ip6table_nat');
});

test('without anything to filter on the bridge, its module is not asked for', () => {
  const less = { ...needs, bridgeFiltering: false };
  expect(neededModules(less)).not.toContain('br_netfilter');
  expect(neededSysctls(less)).toEqual([{ path: 'net/ipv4/ip_forward', value: '1' }]);
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
    await setting('net/ipv6/conf/all/forwarding', '1');
    await mkdir(join(folder, 'net/core/devconf_inherit_init_net'), { recursive: true });
    await setUpKernel({ ...needs, ipv6: true }, log, folder);
    expect(await readFile(join(folder, 'net/ipv4/ip_forward'), 'utf8')).toBe('1');
    expect(lines.filter((line) => line.includes('sysctl'))).toEqual([
      'INFO  kernel setting changed sysctl=net/ipv4/ip_forward from=0 to=1',
      'WARN  the kernel has no such setting sysctl=net/bridge/bridge-nf-call-iptables wanted=1',
      expect.stringMatching(/^WARN {2}a kernel setting could not be changed sysctl=net\/core\/\S+ wanted=1 error=/),
      'WARN  the kernel has no such setting sysctl=net/bridge/bridge-nf-call-ip6tables wanted=1',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
