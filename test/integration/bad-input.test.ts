import { dirname, join } from 'node:path';
import { describe, expect, test as base } from 'vitest';
import { DATA_DIR, K3S, K3sMachine } from './k3s-machine.ts';
import { until } from './until.ts';

// oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern which fixtures are needed
const test = base.extend('k3s', { scope: 'file' }, async ({}, { onCleanup }) => {
  const k3s = await K3sMachine.create('bad-input');
  onCleanup(() => k3s[Symbol.asyncDispose]());
  return k3s;
});

/** What `k3s server` says when it gives up, and its exit code. */
async function refusal(k3s: K3sMachine, ...command: string[]): Promise<{ code: number; said: string }> {
  const { code, stderr } = await k3s.exec(command);
  return { code, said: stderr.split('\n').findLast((line) => line.startsWith('k3s: ')) ?? '' };
}

describe('k3s server says in one line what is wrong and what to do, and ends', () => {
  test('when its port is taken', async ({ k3s }) => {
    const script = "require('node:net').createServer().listen(6443, '0.0.0.0', () => console.log('there'))";
    const holder = await k3s.spawn(['node', '-e', script]);
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const { code, said } = await refusal(k3s, K3S, 'server', '--disable-agent');
    await holder.kill('SIGKILL');
    expect(code).toBe(1);
    expect(said).toContain('6443');
    expect(said).toContain('K3S_SUPERVISOR_PORT_IN_USE');
    expect(said).toContain(String(holder.processId));
  });

  test('when its data directory is read-only', async ({ k3s }) => {
    await k3s.run('mkdir -p /run/read-only && mount -t tmpfs -o ro none /run/read-only');
    const { code, said } = await refusal(k3s, K3S, 'server', '--data-dir=/run/read-only');
    expect(code).toBe(1);
    expect(said).toMatch(/\/run\/read-only cannot be written to .*K3S_HOST_DATA_DIRECTORY.*--data-dir/);
  });

  test('when its disk is full', async ({ k3s }) => {
    await k3s.run('mkdir -p /run/small && mount -t tmpfs -o size=8m none /run/small');
    const { code, said } = await refusal(k3s, K3S, 'server', '--data-dir=/run/small');
    expect(code).toBe(1);
    expect(said).toContain('K3S_HOST_DISK_FULL');
  });

  test('when it is not run by root', async ({ k3s }) => {
    // Nobody by its number, who may yet read the checkout, wherever that is.
    const program = join(dirname(K3S), 'src/cli/main.ts');
    const { code, said } = await refusal(k3s, 'unshare', '--user', process.execPath, program, 'server');
    expect(code).toBe(1);
    expect(said).toContain('K3S_HOST_NOT_ROOT');
  });

  test('when its configuration file is broken, with line and column', async ({ k3s }) => {
    await k3s.machine.writeFile('/etc/rancher/k3s/config.yaml', 'node-name: a\ntls-san: [x\n');
    const { code, said } = await refusal(k3s, K3S, 'server');
    await k3s.run('rm /etc/rancher/k3s/config.yaml');
    expect(code).toBe(2);
    expect(said).toMatch(/config\.yaml.*line \d+.*column \d+.*K3S_CONFIG_SYNTAX/);
  });

  test('when its configuration file has an option that there is not, with the nearest one', async ({ k3s }) => {
    await k3s.machine.writeFile('/etc/rancher/k3s/config.yaml.d/own.yaml', 'node-lable: [a=b]\n');
    const { code, said } = await refusal(k3s, K3S, 'server');
    await k3s.run('rm -r /etc/rancher/k3s/config.yaml.d');
    expect(code).toBe(2);
    expect(said).toMatch(/own\.yaml.*node-lable.*K3S_CONFIG_UNKNOWN.*node-label/);
  });

  test('when its database is not one, which stays as it is', async ({ k3s }) => {
    const file = `${DATA_DIR}/server/db/state.db`;
    await k3s.run(
      `mkdir -p ${DATA_DIR}/server/db && head -c 100000 /dev/zero | tr '\\0' x > ${file} && cp ${file} /tmp/before`,
    );
    const { code, said } = await refusal(k3s, K3S, 'server', '--disable-agent');
    expect(code).toBe(1);
    expect(said).toContain(file);
    expect(said).toMatch(/K3S_DATASTORE_(CORRUPT|FOREIGN)/);
    await k3s.run(`cmp ${file} /tmp/before && rm -r ${DATA_DIR}/server/db`);
  });
});

describe('a server whose disk fills up', () => {
  test('refuses writes, says why, serves what it has, and writes again when there is space', async ({ k3s }) => {
    const database = `${DATA_DIR}/server/db`;
    await k3s.run(`mkdir -p ${database} && mount -t tmpfs -o size=12m none ${database}`);
    const server = await k3s.start({ args: ['--disable-agent'] });
    const write = (name: string): Promise<{ code: number; stderr: string }> =>
      k3s.exec(
        `head -c 500000 /dev/zero | tr '\\0' x > /run/large; kubectl create configmap ${name} --from-file=/run/large`,
      );
    const written: string[] = [];
    const refused = await until(async () => {
      const name = `large-${written.length}`;
      const { code, stderr } = await write(name);
      if (code === 0) written.push(name);
      expect(code).not.toBe(0);
      return stderr;
    });
    expect(refused).toContain('etcdserver: mvcc: database space exceeded');
    expect(server.output()).toContain('ERROR the disk is full: writes are refused until there is space');

    const names = async (): Promise<string> => await k3s.kubectl('get', 'configmaps', '-o', 'name');
    for (const name of written) expect(await names()).toContain(name);
    expect(await k3s.processIds(/^k3s server/)).toEqual([server.processId]);

    await k3s.run(`mount -o remount,size=200m ${database}`);
    await until(async () => expect((await write('after')).code).toBe(0));
    expect(await names()).toContain('after');
    expect(await server.end()).toBe(0);
    await k3s.run(`umount ${database}`);
  });
});
