import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { groupsNamed } from '../machine/cgroup.ts';
import { createMachine, createMachineNetwork } from '../machine.ts';

describe('a machine', () => {
  test('has its own host name, processes, address, cgroups and folders', async () => {
    await using machine = await createMachine({ name: 'one' });
    expect((await machine.run('hostname')).trim()).toBe('one');
    expect(await machine.readFile('/proc/1/comm')).toBe('bash\n');
    expect(await machine.run('ip -4 -o address show eth0')).toContain(`${machine.address}/24`);
    expect(await machine.run('ip route show default')).toContain(machine.network.gateway);
    expect(await machine.readFile('/proc/self/cgroup')).toMatch(/^(\d+:[^:]*:\/(init)?\n)+$/);
    // The repository stays visible wherever it is, below /tmp too: a mount of its own.
    expect(await machine.run('find /tmp /var/lib/rancher /var/lib/kubelet /var/log -xdev ! -type d')).toBe('');
    await machine.writeFile('/etc/rancher/k3s/config.yaml', 'debug: true\n');
    expect(await machine.readFile('/etc/rancher/k3s/config.yaml')).toBe('debug: true\n');
    expect(existsSync('/etc/rancher/k3s/config.yaml')).toBe(false);
  });

  test('can hold containers: its disk takes overlay mounts, its cgroups take groups, its network takes bridges', async () => {
    await using machine = await createMachine({ name: 'one' });
    await machine.run(`
      cd /var/lib/rancher; mkdir lower upper work merged
      mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged
      memory=/sys/fs/cgroup/memory; test -d $memory || memory=/sys/fs/cgroup
      mkdir $memory/kubepods
      ip link add cni0 type bridge; ip link add v type vxlan id 1 dstport 8472 dev eth0
      nft add table ip kube-proxy
    `);
  });

  test('reaches its neighbours on the same network', async () => {
    await using network = await createMachineNetwork();
    await using one = await createMachine({ name: 'one', network });
    await using two = await createMachine({ name: 'two', network });
    const server = `require('net').createServer((s) => s.end('hello')).listen(7777, () => console.log('up'))`;
    const listening = await two.spawn(['node', '-e', server]);
    await new Promise((resolve) => listening.stdout.once('data', resolve));
    const client = `require('net').connect(7777, '${two.address}').pipe(process.stdout)`;
    expect(await one.run(['node', '-e', client])).toBe('hello');
  });

  test('says how commands ended, and feeds them their input', async () => {
    await using machine = await createMachine({ name: 'one' });
    expect(await machine.exec('cat; echo err >&2; exit 3', { input: 'in' })).toEqual({
      code: 3,
      stdout: 'in',
      stderr: 'err\n',
    });
    expect((await machine.exec('kill -9 $$')).code).toBe(137);
    await expect(machine.run('echo broken >&2; exit 1')).rejects.toThrow('ended with 1: broken');
    await expect(machine.exec('sleep 600', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });

  test('survives the violent end of what runs in it, and reaps the orphans', async () => {
    await using machine = await createMachine({ name: 'one' });
    const parent = await machine.spawn('sleep 601 & echo $!; wait');
    const orphan = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    await parent.kill('SIGKILL');
    expect(await parent.exited).toBe(137);
    expect((await machine.readFile(`/proc/${orphan}/status`)).match(/^PPid:\s+(\d+)/m)?.[1]).toBe('1');
    await machine.run('kill -9 1');
    await machine.kill(orphan, 'SIGKILL');
    await machine.run(`while test -e /proc/${orphan}; do :; done`);
  });

  test('leaves nothing behind', async () => {
    const machine = await createMachine({ name: 'gone' });
    const left = await machine.spawn('mkdir -p /sys/fs/cgroup/kubepods/pod1; exec sleep 602');
    await machine[Symbol.asyncDispose]();
    expect(await left.exited).not.toBe(0);
    expect(readdirSync('.cache/machines').filter((entry) => entry.includes('-gone-'))).toEqual([]);
    for (const { path } of await groupsNamed('')) {
      expect(readdirSync(path).filter((entry) => entry.startsWith('k3s-test-gone'))).toEqual([]);
    }
  });
});
