import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cgroupHierarchies, groupsToRemove, readGroups, removeGroups } from '../../../src/node/killall/groups.ts';

const paths = ['/kubepods/burstable/poda/c1', '/kubepods/burstable/poda', '/kubepods/burstable', '/kubepods', '/k3s'];
const groups = paths.map((path) => ({ directory: `/sys/fs/cgroup/memory${path}`, path }));

test('all groups go when nobody lives in them any more', () => {
  expect(groupsToRemove(groups, ['/', '/system.slice/ssh.service'], new Set(['c1']))).toEqual(groups);
});

test('only those of our containers and their pods go while another cluster’s pods live under the same root', () => {
  const chosen = groupsToRemove(groups, ['/', '/kubepods/burstable/podb/c2'], new Set(['c1']));
  expect(chosen.map(({ path }) => path)).toEqual(['/kubepods/burstable/poda/c1', '/kubepods/burstable/poda']);
});

test('groups are read inner ones first from every hierarchy, and what cannot be removed is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'groups-'));
  try {
    await mkdir(join(folder, 'cpu', 'kubepods', 'poda', 'c1'), { recursive: true });
    await mkdir(join(folder, 'cpu', 'other'), { recursive: true });
    await mkdir(join(folder, 'memory', 'kubepods.slice'), { recursive: true });
    await writeFile(join(folder, 'memory', 'kubepods.slice', 'busy'), '');
    const found = await readGroups([join(folder, 'cpu'), join(folder, 'memory'), join(folder, 'absent')]);
    expect(found.map(({ path }) => path)).toEqual([
      '/kubepods/poda/c1',
      '/kubepods/poda',
      '/kubepods',
      '/kubepods.slice',
    ]);
    expect(await removeGroups(found)).toEqual([join(folder, 'memory', 'kubepods.slice')]);
    expect(await readdir(join(folder, 'cpu'))).toEqual(['other']);
    expect(await removeGroups(found.slice(0, 3))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('hierarchies of both cgroup versions are found among the mounts', () => {
  const mountInfo = [
    '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw',
    '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ].join('\n');
  expect(cgroupHierarchies(mountInfo)).toEqual(['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/unified']);
});
