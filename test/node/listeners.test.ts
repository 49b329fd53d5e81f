import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { conflictingPorts, parseListeners, readPortConflicts } from '../../src/node/listeners.ts';

test('listening sockets are read from the kernel’s tables of both families', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:192C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0200590A:280A 0100590A:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1
`;
  const table6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1
   1: 00000000000000000000000001000000:2808 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1
   2: 0000000000000000FFFF00000100007F:2809 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1
`;
  expect(parseListeners(table)).toEqual([{ address: '127.0.0.1', port: 6444, inode: '4711' }]);
  expect(parseListeners(table6)).toEqual([
    { address: '::', port: 10250, inode: '11' },
    { address: '::1', port: 10248, inode: '12' },
    { address: '127.0.0.1', port: 10249, inode: '13' },
  ]);
});

describe('conflictingPorts', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0', true],
    ['0.0.0.0', '127.0.0.1', true],
    ['127.0.0.1', '0.0.0.0', true],
    ['127.0.0.1', '10.0.0.1', false],
    ['127.0.0.1', '::', true],
    ['::', '10.0.0.1', true],
    ['0.0.0.0', '::1', false],
    ['::1', '0.0.0.0', false],
  ])('listening on %s while somebody listens on %s fails: %s', (wanted, taken, expected) => {
    const conflicts = conflictingPorts(
      [{ port: 80, address: wanted, owner: 'x' }],
      [{ port: 80, address: taken, inode: '1' }],
    );
    expect(conflicts.length > 0).toBe(expected);
  });
});

test('a port in use is found with the program that holds it, before anything is started', async () => {
  await using server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const conflicts = await readPortConflicts([{ port, address: '0.0.0.0', owner: 'kubelet' }]);
  expect(conflicts).toEqual([
    {
      port,
      address: '0.0.0.0',
      owner: 'kubelet',
      heldBy: expect.stringMatching(new RegExp(`\\(process ${process.pid}\\)$`)),
    },
  ]);
});
