import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/log.ts';
import { startDatastore } from '../../src/datastore/datastore.ts';
import { EtcdClient } from '../../src/datastore/testing/etcd-client.ts';

let directory: string;
let lines: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'datastore-'));
  lines = [];
});
afterEach(() => rm(directory, { recursive: true }));

const start = (signal?: AbortSignal) =>
  startDatastore({
    file: join(directory, 'state.db'),
    socket: join(directory, 'kine.sock'),
    log: createLogger({ clock: systemClock, level: 'info', format: 'text', write: (line) => lines.push(line) }),
    ...(signal === undefined ? {} : { signal }),
  });

describe('startDatastore', () => {
  test('serves from a thread of its own, logs through ours, and keeps what it was given', async () => {
    const first = await start();
    expect(first.endpoint).toBe(`unix://${join(directory, 'kine.sock')}`);
    {
      await using client = await EtcdClient.connect(join(directory, 'kine.sock'));
      await client.put({ key: 'a', value: Buffer.from('1') });
    }
    await first[Symbol.asyncDispose]();
    expect(lines.some((line) => line.includes('datastore is serving') && line.includes('revision=1'))).toBe(true);

    await using _second = await start();
    await using client = await EtcdClient.connect(join(directory, 'kine.sock'));
    expect((await client.range({ key: 'a' })).kvs).toMatchObject([{ value: Buffer.from('1'), modRevision: 2 }]);
  });

  test('a second one on the same database is refused, and the first goes on', async () => {
    await using _first = await start();
    await expect(start()).rejects.toMatchObject({
      name: 'K3sError',
      code: 'K3S_DATASTORE_LOCKED',
      message: expect.stringContaining('is in use by this process'),
      hint: expect.stringContaining('Stop the other server'),
    });
    await using client = await EtcdClient.connect(join(directory, 'kine.sock'));
    expect(await client.revision()).toBe(1);
  });

  test('reports what is wrong with the file', async () => {
    await writeFile(join(directory, 'state.db'), 'not a database '.repeat(100));
    await expect(start()).rejects.toMatchObject({ code: 'K3S_DATASTORE_CORRUPT' });
  });

  test('tells when it has ended by itself, and can be started again', async () => {
    const first = await start();
    const database = new Database(join(directory, 'state.db'));
    database.exec('ALTER TABLE change RENAME TO gone');
    await using client = await EtcdClient.connect(join(directory, 'kine.sock'));
    await expect(client.put({ key: 'a' })).rejects.toThrow();
    await expect(first.failed).rejects.toMatchObject({
      code: 'K3S_DATASTORE_FAILED',
      message: expect.stringContaining('writing to the database'),
      cause: expect.objectContaining({ message: expect.stringContaining('no such table') }),
    });
    await first[Symbol.asyncDispose]();
    database.exec('ALTER TABLE gone RENAME TO change');
    database.close();
    await using _second = await start();
  });

  test('gives up starting when told to', async () => {
    await expect(start(AbortSignal.abort(new Error('never mind')))).rejects.toThrow('never mind');
    const controller = new AbortController();
    const starting = start(controller.signal);
    controller.abort(new Error('too late'));
    await expect(starting).rejects.toThrow('too late');
    await using _again = await start();
  });
});
