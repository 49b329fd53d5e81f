import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { listen } from '../../src/supervisor/listener.ts';
import { findPortHolder, listeningInodes } from '../../src/supervisor/port-holder.ts';

const open = (address: string | undefined, port: number) =>
  listen({ address, port, onConnection: (socket) => socket.destroy(), log: silentLogger });

describe('listen', () => {
  test('says which port is in use and by whom', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(open('127.0.0.1', port)).rejects.toMatchObject({
      code: 'K3S_SUPERVISOR_PORT_IN_USE',
      message: expect.stringMatching(new RegExp(`^127.0.0.1:${port} is in use by process ${process.pid} \\(.+\\)$`)),
      hint: expect.stringContaining('--https-listen-port'),
    });
    other.close();
  });

  test('names an address that the machine does not have', async () => {
    await expect(open('192.0.2.1', 0)).rejects.toMatchObject({
      code: 'K3S_SUPERVISOR_ADDRESS_UNKNOWN',
      message: '192.0.2.1 is not an address of this machine',
    });
  });

  test('listens on every address when none is given', async () => {
    const server = await open(undefined, 0);
    expect((server.address() as AddressInfo).address).toMatch(/^(::|0\.0\.0\.0)$/);
    server.close();
  });

  test('outlives an error of accept', async () => {
    const server = await open('127.0.0.1', 0);
    expect(() => server.emit('error', new Error('EMFILE'))).not.toThrow();
    server.close();
  });
});

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
   1: 0100007F:192B 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
`;

describe('findPortHolder', () => {
  test('tells sockets that listen from connections and from other ports', () => {
    expect(listeningInodes(TABLE, 6443)).toEqual(['4711']);
    expect(listeningInodes(TABLE, 80)).toEqual(['4713']);
    expect(listeningInodes('', 80)).toEqual([]);
  });

  test('finds the process that has the socket open', async () => {
    const proc = await mkdtemp(join(tmpdir(), 'proc-'));
    await mkdir(join(proc, 'net'));
    await writeFile(join(proc, 'net/tcp'), TABLE);
    for (const [pid, inode] of [
      ['17', '99'],
      ['42', '4711'],
    ] as const) {
      await mkdir(join(proc, pid, 'fd'), { recursive: true });
      await symlink(`socket:[${inode}]`, join(proc, pid, 'fd/3'));
      await writeFile(join(proc, pid, 'cmdline'), `program-${pid}\0--flag\0`);
    }
    expect(await findPortHolder(6443, proc)).toEqual({ pid: 42, command: 'program-42 --flag' });
    expect(await findPortHolder(80, proc)).toBeUndefined();
    expect(await findPortHolder(81, proc)).toBeUndefined();
    await rm(proc, { recursive: true });
  });
});
