import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenPrivately } from '../../../src/datastore/wire/unix-socket.ts';

let resources: AsyncDisposableStack;
let path: string;
beforeEach(async () => {
  resources = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'unix-socket-'));
  resources.defer(() => rm(directory, { recursive: true }));
  path = join(directory, 'kine.sock');
});
afterEach(() => resources.disposeAsync());

function listener(): (path: string) => Promise<void> {
  const server: Server = createServer((socket) => socket.destroy());
  resources.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return (at) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, () => resolve());
    });
}

describe('listenPrivately', () => {
  test('makes a socket that only its owner may use', async () => {
    await listenPrivately(path, listener());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('replaces a socket that nobody answers on', async () => {
    // A socket file without a listener is what a killed process leaves.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${path}.old`, () => resolve()));
    const { rename } = await import('node:fs/promises');
    await rename(`${path}.old`, path);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await listenPrivately(path, listener());
    expect((await stat(path)).isSocket()).toBe(true);
  });

  test.each([
    ['a socket that somebody answers on', () => listenPrivately(path, listener()), /is in use$/],
    ['a file that is no socket', () => writeFile(path, 'precious'), /is not a socket$/],
  ])('does not touch %s', async (_, prepare, message) => {
    await prepare();
    await expect(listenPrivately(path, listener())).rejects.toMatchObject({
      code: 'K3S_DATASTORE_SOCKET',
      message: expect.stringMatching(message),
    });
    await stat(path);
  });

  test('refuses a path that is too long for the kernel', async () => {
    await expect(listenPrivately(`/tmp/${'x'.repeat(110)}`, listener())).rejects.toMatchObject({
      code: 'K3S_DATASTORE_SOCKET',
      message: expect.stringContaining('longer than 107 bytes'),
    });
  });

  test('says where it cannot listen', async () => {
    await expect(listenPrivately(join(path, 'missing', 's'), listener())).rejects.toMatchObject({
      code: 'K3S_DATASTORE_SOCKET',
      message: expect.stringContaining('cannot listen on'),
    });
  });
});
