import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kubeletCgroups, missingControllers, readCgroups, type CgroupFacts } from '../../src/node/cgroup-facts.ts';

describe('readCgroups', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgroups-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function read(files: Record<string, string>): Promise<CgroupFacts> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    return readCgroups(join(folder, 'fs'), folder);
  }

  test('version 2 lists its controllers at the root', async () => {
    expect(
      await read({
        'fs/cgroup.controllers': 'cpuset cpu io memory pids\n',
        'self/cgroup': '0::/user.slice/session-1.scope\n',
        '1/cgroup': '0::/init.scope\n',
      }),
    ).toEqual({
      version: '2',
      controllers: new Set(['cpuset', 'cpu', 'io', 'memory', 'pids']),
      ownGroup: '/user.slice/session-1.scope',
      initGroup: '/init.scope',
    });
  });

  test('version 1 counts what is both turned on and mounted; a version 2 tree beside it makes it hybrid', async () => {
    expect(
      await read({
        'fs/cpu/tasks': '',
        'fs/cpuacct/tasks': '',
        'fs/memory/tasks': '',
        'fs/unified/cgroup.procs': '',
        'self/cgroup': '5:cpu,cpuacct:/\n4:memory:/a:b\n3:pids:/\n1:name=systemd:/x\n0::/\n',
        '1/cgroup': '1:name=systemd:/docker/1\n',
      }),
    ).toEqual({
      version: 'hybrid',
      controllers: new Set(['cpu', 'cpuacct', 'memory']),
      ownGroup: '/x',
      initGroup: '/docker/1',
    });
  });

  test('without a tree for service managers every group counts as the root', async () => {
    const facts = await read({ 'fs/memory/tasks': '', 'self/cgroup': '4:memory:/x\n', '1/cgroup': '' });
    expect(facts).toMatchObject({ version: '1', ownGroup: '/', initGroup: '/' });
  });
});

const facts: CgroupFacts = {
  version: '2',
  controllers: new Set(['cpu', 'cpuset', 'memory', 'pids']),
  ownGroup: '/',
  initGroup: '/init.scope',
};

test('kubelet’s requirements differ between the versions', () => {
  expect(missingControllers(facts)).toEqual([]);
  expect(missingControllers({ ...facts, version: '1' })).toEqual(['cpuacct']);
  expect(missingControllers({ ...facts, controllers: new Set(['cpu']) })).toEqual(['cpuset', 'memory', 'pids']);
});

describe('kubeletCgroups', () => {
  test('started by systemd, systemd manages the groups', () => {
    expect(kubeletCgroups({ ...facts, ownGroup: '/system.slice/k3s.service' }, true)).toEqual({
      driver: 'systemd',
      cpuQuota: true,
    });
  });

  test('without cpuset or without systemd we manage them ourselves', () => {
    expect(kubeletCgroups(facts, false).driver).toBe('cgroupfs');
    expect(kubeletCgroups({ ...facts, controllers: new Set(['memory']) }, true)).toEqual({
      driver: 'cgroupfs',
      cpuQuota: false,
    });
  });

  test('in a login session kubelet leaves the session’s group', () => {
    const cgroups = kubeletCgroups({ ...facts, ownGroup: '/user.slice/user-0.slice/session-2.scope' }, false);
    expect(cgroups).toMatchObject({ kubeletGroup: '/k3s' });
    expect(cgroups).not.toHaveProperty('runtimeGroup');
  });

  test('in a container kubelet and containerd share a group', () => {
    expect(kubeletCgroups({ ...facts, initGroup: '/docker/abc' }, false)).toMatchObject({
      kubeletGroup: '/k3s',
      runtimeGroup: '/k3s',
    });
  });
});
