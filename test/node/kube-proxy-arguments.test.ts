import { describe, expect, test } from 'vitest';
import { choosePacketFilter, kubeProxyArguments } from '../../src/node/kube-proxy-arguments.ts';

describe('choosePacketFilter', () => {
  test.each([
    ['6.18.44-fc-v595', 'nftables v1.0.6 (Lester Gooch #5)', 'nftables'],
    ['5.13.0', 'nftables v1.0.1 (Fearless Fosdick #3)', 'nftables'],
    ['5.12.19', 'nftables v1.0.6 (Lester Gooch #5)', 'iptables'],
    ['6.1.0-18-amd64', 'nftables v0.9.8 (E.D.S.)', 'iptables'],
    ['6.1.0-18-amd64', 'nftables v1.0.0 (Fearless Fosdick #2)', 'iptables'],
    ['10.0.0', 'nftables v2.0.0', 'nftables'],
    ['6.1.0-18-amd64', undefined, 'iptables'],
  ] as const)('kernel %s with %s gives %s', (kernel, nft, expected) => {
    expect(choosePacketFilter(kernel, nft)).toBe(expected);
  });
});

test('kube-proxy is told to leave the kernel’s connection tracking settings alone', () => {
  const flags = kubeProxyArguments({
    kubeconfig: '/a/kubeproxy.kubeconfig',
    nodeName: 'one',
    clusterCIDRs: ['10.42.0.0/16', 'fd00:42::/56'],
    healthAddress: '127.0.0.1',
    mode: 'nftables',
  });
  expect(flags).toEqual({
    'cluster-cidr': '10.42.0.0/16,fd00:42::/56',
    'conntrack-max-per-core': '0',
    'conntrack-tcp-timeout-close-wait': '0s',
    'conntrack-tcp-timeout-established': '0s',
    'healthz-bind-address': '127.0.0.1',
    'hostname-override': 'one',
    kubeconfig: '/a/kubeproxy.kubeconfig',
    'proxy-mode': 'nftables',
  });
});
