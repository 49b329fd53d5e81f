import { expect, test } from 'vitest';
import { clusterInterfaces } from '../../../src/node/killall/interfaces.ts';

test('the pods’ bridge, what is plugged into it and flannel’s devices go; the rest stays', () => {
  const links = [
    { ifname: 'lo' },
    { ifname: 'eth0' },
    { ifname: 'cni0' },
    { ifname: 'vethaaaa', master: 'cni0' },
    { ifname: 'vethbbbb', master: 'docker0' },
    { ifname: 'flannel.1' },
    { ifname: 'flannel-v6.1' },
  ];
  expect(clusterInterfaces(JSON.stringify(links))).toEqual(['vethaaaa', 'cni0', 'flannel.1', 'flannel-v6.1']);
});
