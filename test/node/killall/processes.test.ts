import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readProcesses } from '../../../src/node/killall/processes.ts';

test('this process is seen as it is', async () => {
  const self = (await readProcesses()).find(({ processId }) => processId === process.pid);
  expect(self).toMatchObject({ parent: process.ppid, executable: process.execPath });
  expect(self?.args.length).toBeGreaterThan(0);
  expect(self?.mountNamespace).toMatch(/^mnt:\[\d+\]$/);
});

test('names with parentheses, replaced programs, zombies and processes that have just ended are read right', async () => {
  const proc = await mkdtemp(join(tmpdir(), 'proc-'));
  const tail = '0 '.repeat(17);
  const add = async (id: number, state: string): Promise<void> => {
    const folder = join(proc, String(id));
    await mkdir(join(folder, 'ns'), { recursive: true });
    await writeFile(join(folder, 'stat'), `${id} (a) b (c)) ${state} 77 ${tail}4711 0\n`);
    await writeFile(join(folder, 'cmdline'), '/opt/a b\0--flag\0\0');
    await writeFile(join(folder, 'cgroup'), '4:memory:/kubepods/x:y\n0::/init\n');
    await symlink('mnt:[5]', join(folder, 'ns', 'mnt'));
    await symlink('/opt/a b (deleted)', join(folder, 'exe'));
  };
  try {
    await add(10, 'S');
    await add(11, 'Z');
    await mkdir(join(proc, '12'));
    await mkdir(join(proc, 'irq'));
    expect(await readProcesses(proc)).toEqual([
      {
        processId: 10,
        parent: 77,
        startTime: '4711',
        executable: '/opt/a b',
        args: ['/opt/a b', '--flag', ''],
        groups: ['/kubepods/x:y', '/init'],
        mountNamespace: 'mnt:[5]',
      },
    ]);
  } finally {
    await rm(proc, { recursive: true });
  }
});
