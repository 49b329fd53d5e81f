import { expect, test } from 'vitest';
import { kubeletMaySet, kubeletNodeLabels } from '../../src/node/node-labels.ts';

test.each([
  ['tier', true],
  ['example.org/tier', true],
  ['notkubernetes.io/tier', true],
  ['kubernetes.io/hostname', true],
  ['topology.kubernetes.io/zone', true],
  ['node.kubernetes.io/anything', true],
  ['sub.kubelet.kubernetes.io/anything', true],
  ['node-role.kubernetes.io/worker', false],
  ['kubernetes.io/role', false],
  ['x.k8s.io/y', false],
])('kubelet may set %s: %s', (label, expected) => {
  expect(kubeletMaySet(label)).toBe(expected);
});

test('labels become one flag value, without those that would make kubelet exit', () => {
  expect(kubeletNodeLabels({ a: '1', 'node-role.kubernetes.io/worker': 'true', 'b.org/c': '' })).toBe('a=1,b.org/c=');
});
