import { expect, test } from 'vitest';
import { describeKillall } from '../../../src/node/killall/report.ts';

const nothing = { processes: [], mounts: [], interfaces: [], packetRules: [], cgroups: 0, files: [], problems: [] };

test('says what was removed, and in the end what was not', () => {
  const report = {
    ...nothing,
    processes: [
      { processId: 1, command: 'a', forced: true },
      { processId: 2, command: 'b', forced: false },
    ],
    mounts: ['/run/k3s/x'],
    interfaces: ['cni0', 'flannel.1'],
    cgroups: 2,
    problems: ['cgroup /x is still in use'],
  };
  expect(describeKillall(report)).toEqual([
    '2 processes ended, 1 of them killed',
    '1 mount unmounted',
    'interfaces deleted: cni0, flannel.1',
    '2 cgroups removed',
    'could not be removed: cgroup /x is still in use',
  ]);
});

test('says so when there was nothing to do', () => {
  expect(describeKillall(nothing)).toEqual(['nothing of this node was running or left behind']);
});
