import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/log.ts';
import { openDatastore } from '../../src/datastore/open.ts';
import { EtcdClient } from '../../src/datastore/testing/etcd-client.ts';
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '../../src/datastore/wire/messages/lease.ts';
import { Code } from '../../src/datastore/wire/status.ts';

let resources: AsyncDisposableStack;
let file: string;
let socket: string;
let lines: string[];
beforeEach(async () => {
  resources = new AsyncDisposableStack();
  lines = [];
  const directory = await mkdtemp(join(tmpdir(), 'open-'));
  resources.defer(() => rm(directory, { recursive: true }));
  file = join(directory, 'state.db');
  socket = join(directory, 'kine.sock');
});
afterEach(() => resources.disposeAsync());

async function open() {
  const log = createLogger({ clock: systemClock, level: 'info', format: 'text', write: (line) => lines.push(line) });
  const datastore = await openDatastore({ file, socket, log, cacheBytes: 0 });
  const client = await EtcdClient.connect(socket);
  const close = async (): Promise<void> => {
    await client[Symbol.asyncDispose]();
    await datastore[Symbol.asyncDispose]();
  };
  resources.defer(close);
  return { datastore, client, close };
}

/** What happens to the file behind our back. */
function damage(sql: string): void {
  const database = new Database(file);
  database.exec(sql);
  database.close();
}

describe('openDatastore', () => {
  test('a new store is at revision 1, and health checks do not change that', async () => {
    const { client } = await open();
    expect(await client.range({ key: '/registry/health' })).toMatchObject({ count: 0, header: { revision: 1 } });
    expect((await client.put({ key: 'a' })).header?.revision).toBe(2);
  });

  test('pairs, history, leases and compaction survive a restart', async () => {
    const first = await open();
    const { id } = await first.client.grantLease(3600);
    await first.client.put({ key: 'a', value: Buffer.from('1'), lease: id });
    await first.client.put({ key: 'a', value: Buffer.from('2'), lease: id });
    await first.client.put({ key: 'b', value: Buffer.from('3') });
    await first.client.compact(3);
    const { header } = await first.client.range({ key: 'a' });
    await first.close();

    const { client } = await open();
    const again = await client.range({ key: 'a', revision: 3 });
    expect(again.kvs).toMatchObject([{ value: Buffer.from('2'), version: 2, createRevision: 2, lease: id }]);
    expect(again.header).toEqual(header);
    await expect(client.range({ key: 'a', revision: 2 })).rejects.toMatchObject({ code: Code.OUT_OF_RANGE });
    expect((await client.timeToLive(id)).keys).toEqual(['a']);
    await client.revokeLease(id);
    expect((await client.range({ key: 'a' })).count).toBe(0);
  });

  test('a value that cannot be read is an error of that read only', async () => {
    const { client } = await open();
    await client.put({ key: 'a', value: Buffer.from('1') });
    await client.put({ key: 'b', value: Buffer.from('2') });
    damage('DELETE FROM value WHERE change = 1');
    await expect(client.range({ key: 'a' })).rejects.toMatchObject({
      code: Code.DATA_LOSS,
      message: 'etcdserver: corrupt cluster',
    });
    expect(lines.some((line) => line.includes('a value cannot be read'))).toBe(true);
    expect((await client.range({ key: 'b' })).count).toBe(1);
    expect((await client.range({ key: 'a', keysOnly: true })).count).toBe(1);
  });

  test('a watch ends rather than skip an event that cannot be read, and the write is not disturbed', async () => {
    const { client } = await open();
    await client.put({ key: 'a', value: Buffer.from('1') });
    const watch = client.watch();
    watch.send({ create: { key: 'a', prevKv: true } });
    await watch.next();
    damage('DELETE FROM value');
    await client.put({ key: 'a', value: Buffer.from('2') });
    await expect(watch.next()).rejects.toMatchObject({ code: Code.DATA_LOSS });
    await client.put({ key: 'a', value: Buffer.from('3') });
    expect((await client.range({ key: 'a' })).kvs).toMatchObject([{ value: Buffer.from('3') }]);
  });

  test('a storage that breaks ends writing, reports it, and leaves reading', async () => {
    const { client, datastore } = await open();
    await client.put({ key: 'a', value: Buffer.from('1') });
    const { id } = await client.grantLease(60);
    damage('ALTER TABLE change RENAME TO gone; ALTER TABLE lease RENAME TO lost');
    await expect(client.put({ key: 'b' })).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      message: 'etcdserver: request timed out',
    });
    await expect(datastore.failed).rejects.toMatchObject({ code: 'K3S_DATASTORE_FAILED', retryable: true });
    expect((await client.range({ key: 'a' })).kvs).toMatchObject([{ value: Buffer.from('1') }]);
    const keepAlive = client.stream(
      '/etcdserverpb.Lease/LeaseKeepAlive',
      LeaseKeepAliveRequest,
      LeaseKeepAliveResponse,
    );
    keepAlive.send({ id });
    await expect(keepAlive.ended).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test('records that contradict one another are damage', async () => {
    const { client, close } = await open();
    await client.put({ key: 'a' });
    await close();
    damage('DELETE FROM key');
    await expect(open()).rejects.toMatchObject({
      code: 'K3S_DATASTORE_CORRUPT',
      message: `the database ${file} is damaged: change 1 is of key 1, which is missing`,
    });
    damage('DELETE FROM state');
    await expect(open()).rejects.toMatchObject({
      message: `the database ${file} is damaged: the state row is missing`,
    });
  });

  test('what cannot be erased or kept up is a broken storage too', async () => {
    const { client, datastore } = await open();
    for (let turn = 0; turn < 3; turn++) await client.put({ key: 'a' });
    damage('ALTER TABLE value RENAME TO gone');
    await client.compact(4);
    await expect(datastore.failed).rejects.toMatchObject({ code: 'K3S_DATASTORE_FAILED' });
  });
});
