import { describe, expect, test } from 'vitest';
import { classify, containerIdOf, type ClusterProcesses } from '../../../src/node/killall/classify.ts';
import { footprintOf, type Footprint } from '../../../src/node/killall/footprint.ts';
import type { ProcessFacts } from '../../../src/node/killall/processes.ts';

const footprint: Footprint = { ...footprintOf('/data', '/usr/bin/node'), programDirectories: ['/opt/k3s/bin'] };

/** A process of the host's file system view, unless told otherwise. */
function running(
  processId: number,
  parent: number,
  command: string,
  changed: Partial<ProcessFacts> = {},
): ProcessFacts {
  const args = command.split(' ');
  return {
    processId,
    parent,
    startTime: '1',
    executable: args[0] ?? '',
    args,
    groups: ['/'],
    mountNamespace: 'mnt:[1]',
    ...changed,
  };
}

const self = running(900, 899, '/usr/bin/node main.ts killall');
const shell = running(899, 1, '/bin/bash', { args: ['bash'] });

/** The numbers found for each kind that has any. */
function found(processes: ProcessFacts[], ids: string[] = [], given = footprint): Record<string, number[]> {
  const result: ClusterProcesses = classify(
    { processes: [...processes, self, shell], containerIds: new Set(ids), self: 900 },
    given,
  );
  const numbers = Object.entries(result).map(([kind, list]: [string, ProcessFacts[]]) => [
    kind,
    list.map(({ processId }) => processId),
  ]);
  return Object.fromEntries(numbers.filter(([, list]) => list?.length !== 0)) as Record<string, number[]>;
}

const server = running(10, 1, '/usr/bin/node main.ts server');
const controlPlane = running(11, 10, '/opt/k3s/bin/engine control-plane /data/server/etc/plan.json');
const containerd = running(12, 10, '/opt/k3s/bin/engine containerd -c /data/agent/etc/containerd/config.toml');
const shim = running(13, 1, '/opt/k3s/bin/containerd-shim-runc-v2 -id p1 -address /run/k3s/containerd/containerd.sock');
const pause = running(14, 13, '/pause', { groups: ['/kubepods/besteffort/podu/p1'], mountNamespace: 'mnt:[7]' });

describe('classify', () => {
  test('finds a whole running node', () => {
    expect(found([server, controlPlane, containerd, shim, pause], ['p1'])).toEqual({
      supervisors: [10],
      components: [11],
      containers: [14],
      containerd: [12],
      shims: [13],
    });
  });

  test('finds the server before it has children by the data directory’s lock', () => {
    expect(found([server])).toEqual({});
    expect(found([server], [], { ...footprint, holder: 10 })).toEqual({ supervisors: [10] });
  });

  test('finds a server that has put a title in the place of its command line', () => {
    const titled = { ...server, args: ['k3s server', '', '', ''] };
    expect(found([titled, controlPlane])).toEqual({ supervisors: [10], components: [11] });
  });

  test('does not take the lock’s word for a process that has its number by chance', () => {
    expect(found([running(10, 1, '/usr/sbin/sshd -D')], [], { ...footprint, holder: 10 })).toEqual({});
    expect(found([running(10, 1, '/usr/bin/node app.js')], [], { ...footprint, holder: 10 })).toEqual({});
  });

  test('finds what is left when the server was killed', () => {
    const orphan = { ...controlPlane, parent: 1 };
    expect(found([orphan, shim, { ...pause, parent: 1 }], ['p1'])).toEqual({
      components: [11],
      shims: [13],
      containers: [14],
    });
  });

  test('finds a container by its id in any hierarchy, under either cgroup driver, and in groups inside it', () => {
    const ways = [
      ['/', '/kubepods/podu/c1'],
      ['/kubepods.slice/kubepods-podu.slice/cri-containerd-c1.scope'],
      ['/kubepods/podu/c1/system.slice/cron.service'],
    ];
    for (const groups of ways) expect(found([running(20, 1, 'app', { groups })], ['c1'])).toEqual({ containers: [20] });
  });

  test.each([
    ['another cluster’s container', running(20, 1, 'app', { groups: ['/kubepods/podx/other'] })],
    ['the same paths seen from another mount namespace', { ...containerd, mountNamespace: 'mnt:[2]' }],
    ['another cluster’s engine', running(20, 1, '/opt/k3s/bin/engine control-plane /other/server/etc/plan.json')],
    ['a data directory that begins alike', running(20, 1, '/opt/k3s/bin/engine node /data2/plan.json')],
    [
      'another containerd’s shim',
      running(20, 1, '/usr/bin/containerd-shim-runc-v2 -id x -address /run/containerd/containerd.sock'),
    ],
    ['somebody’s editor in the data directory', running(20, 1, '/usr/bin/vim /data/server/manifests/a.yaml')],
    ['the user’s kubectl', running(20, 1, '/opt/k3s/bin/engine kubectl get pods --watch')],
    ['the kernel’s threads', running(20, 2, '', { args: [] })],
  ])('leaves alone %s', (_, process) => {
    expect(found([process], ['p1'])).toEqual({});
  });

  test('takes flags with = for paths too, and a shim whose program was replaced by an upgrade', () => {
    const helm = running(20, 1, '/opt/k3s/bin/engine helm --kubeconfig=/data/server/cred/admin.kubeconfig install x');
    const old = { ...shim, executable: '/opt/k3s-old/bin/containerd-shim-runc-v2' };
    expect(found([helm, old])).toEqual({ components: [20], shims: [13] });
  });

  test('never ends the process that asks nor what started it', () => {
    const wrapper = running(899, 1, '/usr/bin/node main.ts server');
    const given = { ...footprint, holder: 899 };
    const result = classify({ processes: [wrapper, self], containerIds: new Set(), self: 900 }, given);
    expect(Object.values(result).flat()).toEqual([]);
  });
});

test.each([
  ['abc', 'abc'],
  ['cri-containerd-abc.scope', 'abc'],
  ['cri-containerd:abc', 'abc'],
])('the container id in the group %s is %s', (group, id) => {
  expect(containerIdOf(group)).toBe(id);
});
