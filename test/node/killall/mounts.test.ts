import { expect, test } from 'vitest';
import { footprintOf } from '../../../src/node/killall/footprint.ts';
import { clusterMounts } from '../../../src/node/killall/mounts.ts';

const footprint = footprintOf('/data', '/usr/bin/node');

test('finds mounts of containers, pods and namespaces, last mounted first, and none that the user made', () => {
  const mountInfo = [
    '22 1 254:0 / / rw - ext4 /dev/vda rw',
    '30 22 254:1 / /data rw - ext4 /dev/vdb rw',
    '31 30 254:2 / /data/storage rw - ext4 /dev/vdc rw',
    '32 22 0:30 / /var/lib/kubelet rw - ext4 /dev/vdd rw',
    '33 22 0:31 / /run/k3s rw - tmpfs tmpfs rw',
    '34 22 0:31 / /run/k3sextra/x rw - tmpfs tmpfs rw',
    '40 32 0:40 / /var/lib/kubelet/pods/u/volumes/kubernetes.io~projected/a\\040b rw - tmpfs tmpfs rw',
    '41 33 0:4 net:[4026532323] /run/k3s/containerd/io.containerd.grpc.v1.cri/netns/cni-1 rw - nsfs nsfs rw',
    '42 33 0:53 / /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/c/rootfs rw - overlay overlay rw',
    '43 42 0:54 / /run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/c/rootfs/x rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  expect(clusterMounts(mountInfo, footprint)).toEqual([
    '/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/c/rootfs/x',
    '/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/c/rootfs',
    '/run/k3s/containerd/io.containerd.grpc.v1.cri/netns/cni-1',
    '/var/lib/kubelet/pods/u/volumes/kubernetes.io~projected/a b',
  ]);
});

test.each([
  [
    'bound to itself on the root disk',
    '32 22 254:0 /var/lib/kubelet /var/lib/kubelet rw shared:5 - ext4 /dev/vda rw',
    true,
  ],
  ['a disk of the user’s', '32 22 254:4 / /var/lib/kubelet rw - ext4 /dev/vde rw', false],
  ['another directory of the same disk', '32 22 254:0 /srv/kubelet /var/lib/kubelet rw - ext4 /dev/vda rw', false],
])('kubelet’s directory, %s', (_, line, expected) => {
  const mountInfo = `22 1 254:0 / / rw - ext4 /dev/vda rw\n${line}\n`;
  expect(clusterMounts(mountInfo, footprint)).toEqual(expected ? ['/var/lib/kubelet'] : []);
});

test('kubelet’s directory bound to itself over a disk of the user’s: only the upper mount goes', () => {
  const mountInfo = [
    '22 1 254:0 / / rw - ext4 /dev/vda rw',
    '32 22 254:4 /k /var/lib/kubelet rw - ext4 /dev/vde rw',
    '33 32 254:4 /k /var/lib/kubelet rw shared:5 - ext4 /dev/vde rw',
  ].join('\n');
  expect(clusterMounts(mountInfo, footprint)).toEqual(['/var/lib/kubelet']);
});
