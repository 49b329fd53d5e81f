import { describe, expect, test } from 'vitest';
import {
  featureState,
  parseKernelConfig,
  parseModuleList,
  type KernelFacts,
  type KernelFeature,
} from '../../src/node/kernel-features.ts';

const vxlan: KernelFeature = { name: 'vxlan', option: 'VXLAN', module: 'vxlan', purpose: 'x', required: true };
const config = (value?: 'built-in' | 'module'): NonNullable<KernelFacts['config']> =>
  new Map(value === undefined ? [] : [['VXLAN', value] as const]);

describe('featureState', () => {
  test.each<[string, Partial<KernelFacts>, string]>([
    ['configured in', { config: config('built-in') }, 'built-in'],
    ['loaded', { config: config('module'), loaded: new Set(['vxlan']) }, 'loaded'],
    ['a module on disk', { config: config('module'), installed: new Set(['vxlan']) }, 'loadable'],
    ['built in by /lib/modules', { builtIn: new Set(['vxlan']) }, 'built-in'],
    ['a module that is not on disk', { config: config('module'), installed: new Set() }, 'missing'],
    ['a module of a host whose disk we do not see', { config: config('module') }, 'unknown'],
    ['configured out', { config: config() }, 'missing'],
    ['hidden', {}, 'unknown'],
  ])('%s', (_, facts, expected) => {
    expect(featureState(vxlan, { release: '6.1', loaded: new Set(), ...facts })).toBe(expected);
  });
});

test('the kernel configuration lists what is on', () => {
  const text = '# CONFIG_WIREGUARD is not set\nCONFIG_VXLAN=m\nCONFIG_NET_NS=y\nCONFIG_HZ=250\nCONFIG_X="y"\n';
  expect([...parseKernelConfig(text)]).toEqual([
    ['VXLAN', 'module'],
    ['NET_NS', 'built-in'],
  ]);
});

test('module lists name modules as the kernel does', () => {
  const dep = 'kernel/drivers/net/vxlan/vxlan.ko: kernel/net/udp_tunnel.ko\nkernel/net/nft-x.ko.xz:\n';
  expect([...parseModuleList(dep)]).toEqual(['vxlan', 'nft_x']);
  expect([...parseModuleList('kernel/fs/overlayfs/overlay.ko\n')]).toEqual(['overlay']);
});
