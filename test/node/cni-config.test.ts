import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cniConflist, writeCniConflist } from '../../src/node/cni-config.ts';

test('the conflist is a bridge with one address range for each family, port mappings and bandwidth limits', () => {
  const conflist: unknown = JSON.parse(
    cniConflist({ podCIDRs: ['10.42.0.0/24', 'fd00:42::/64'], mtu: 1450, packetFilter: 'nftables' }),
  );
  expect(conflist).toEqual({
    cniVersion: '1.0.0',
    name: 'cbr0',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        isDefaultGateway: true,
        forceAddress: true,
        hairpinMode: true,
        ipMasq: false,
        mtu: 1450,
        ipam: { type: 'host-local', ranges: [[{ subnet: '10.42.0.0/24' }], [{ subnet: 'fd00:42::/64' }]] },
      },
      { type: 'portmap', backend: 'nftables', capabilities: { portMappings: true } },
      { type: 'bandwidth', capabilities: { bandwidth: true } },
    ],
  });
});

test('the conflist is written once, where containerd looks for it, and again only when the network changes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cni-config-'));
  try {
    const network = { podCIDRs: ['10.42.0.0/24'], mtu: 1450, packetFilter: 'iptables' } as const;
    const directory = join(folder, 'net.d');
    expect(await writeCniConflist(directory, network)).toBe(true);
    const before = await stat(join(directory, '10-flannel.conflist'));
    expect(await writeCniConflist(directory, network)).toBe(false);
    expect((await stat(join(directory, '10-flannel.conflist'))).ino).toBe(before.ino);
    expect(await writeCniConflist(directory, { ...network, podCIDRs: ['10.42.1.0/24'] })).toBe(true);
    expect(await readFile(join(directory, '10-flannel.conflist'), 'utf8')).toContain('10.42.1.0/24');
  } finally {
    await rm(folder, { recursive: true });
  }
});
