import { describe, expect, test } from 'vitest';
import { flannelArguments, flannelNetworkConfig, interfaceMTU, podMTU } from '../../src/node/flannel-config.ts';

test('net-conf.json carries the pod networks of both families and the backend', () => {
  expect(JSON.parse(flannelNetworkConfig(['10.42.0.0/16', 'fd00:42::/56'], 'vxlan', 'nftables'))).toEqual({
    Network: '10.42.0.0/16',
    EnableIPv4: true,
    EnableIPv6: true,
    EnableNFTables: true,
    IPv6Network: 'fd00:42::/56',
    Backend: { Type: 'vxlan' },
  });
});

test('a cluster of one family leaves the other off', () => {
  expect(JSON.parse(flannelNetworkConfig(['10.42.0.0/16'], 'host-gw', 'iptables'))).toMatchObject({
    EnableIPv4: true,
    EnableIPv6: false,
    EnableNFTables: false,
    IPv6Network: '::/0',
    Backend: { Type: 'host-gw' },
  });
});

describe('flannelArguments', () => {
  const options = {
    kubeconfig: '/a/kubelet.kubeconfig',
    nodeName: 'one',
    networkConfig: '/a/net-conf.json',
    subnetFile: '/run/flannel/subnet.env',
    nodeIPs: ['10.0.0.1'],
    packetFilter: 'nftables',
  } as const;

  test('announces the node’s address and leaves the interface to follow from it', () => {
    expect(flannelArguments(options)).toEqual({
      kubeconfig: '/a/kubelet.kubeconfig',
      'net-conf': '/a/net-conf.json',
      nftables: 'true',
      'node-name': 'one',
      'public-ip': '10.0.0.1',
      'subnet-file': '/run/flannel/subnet.env',
    });
  });

  test('announces one address of each family, and takes the interface that the user names', () => {
    expect(
      flannelArguments({ ...options, nodeIPs: ['fd00::1', '10.0.0.1'], interface: 'eth1', packetFilter: 'iptables' }),
    ).toMatchObject({ iface: 'eth1', 'public-ip': '10.0.0.1', 'public-ipv6': 'fd00::1', nftables: 'false' });
  });
});

describe('MTU', () => {
  test.each([
    ['vxlan', ['10.0.0.1'], 1450],
    ['vxlan', ['10.0.0.1', 'fd00::1'], 1430],
    ['host-gw', ['10.0.0.1'], 1500],
  ] as const)('of pods over %s between %j is %i', (backend, nodeIPs, expected) => {
    expect(podMTU(backend, 1500, nodeIPs)).toBe(expected);
  });

  test('is read from the interface that has the node’s address', async () => {
    expect(await interfaceMTU({ address: '127.0.0.1' })).toBe(65536);
  });

  test('is Ethernet’s where the interface is unknown', async () => {
    expect(await interfaceMTU({ interface: 'absent0' })).toBe(1500);
    expect(await interfaceMTU({ address: '198.51.100.77' })).toBe(1500);
  });
});
