import { expect, test } from 'vitest';
import { nodePorts } from '../../src/node/node-ports.ts';

test('a node listens for kubelet where it is told, and for the rest on loopback only', () => {
  const ports = nodePorts({ bindAddress: '::', loopback: '::1', kubeProxy: true });
  expect(ports.map(({ port, address }) => `${port} ${address}`)).toEqual([
    '10250 ::',
    '10248 ::1',
    '10249 ::1',
    '10256 ::1',
  ]);
  const without = nodePorts({ bindAddress: '0.0.0.0', loopback: '127.0.0.1', kubeProxy: false });
  expect(without.map(({ port }) => port)).toEqual([10250, 10248]);
});
