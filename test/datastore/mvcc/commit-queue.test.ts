import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { createEngine } from '../../../src/datastore/engine.ts';
import { MemoryStorage } from '../../../src/datastore/testing/memory-storage.ts';
import { StorageFull } from '../../../src/datastore/storage/storage.ts';
import { readCommitted } from '../../../src/datastore/mvcc/range.ts';
import { Code } from '../../../src/datastore/wire/status.ts';
import { RangeRequest } from '../../../src/datastore/wire/messages/kv.ts';
import type { Draft } from '../../../src/datastore/mvcc/draft.ts';

const value = Buffer.from('value');
const put = (key: string) => (draft: Draft) => {
  draft.put(key, value, 0n);
  return draft.revision;
};

function open(storage = new MemoryStorage()) {
  const failures: unknown[] = [];
  const engine = createEngine({
    storage,
    clock: new VirtualClock(),
    log: silentLogger,
    cacheBytes: 1e6,
    failed: (error) => failures.push(error),
  });
  const keys = (): string[] => {
    const request = RangeRequest.decode(RangeRequest.encode({ key: '\0', rangeEnd: '\0' }));
    return readCommitted(engine.store, request).changes.map(({ key }) => key);
  };
  return { storage, engine, failures, keys, ...engine };
}

describe('CommitQueue', () => {
  test('writes that wait together share one commit and get consecutive revisions in their order', async () => {
    const { queue, storage } = open();
    const revisions = await Promise.all(['a', 'b', 'c'].map((key) => queue.submit(put(key))));
    expect(revisions).toEqual([2, 3, 4]);
    expect(storage.commits).toBe(1);
  });

  test('a write sees those before it in the same batch, and readers see none of them before the commit', async () => {
    const { queue, storage, store, keys } = open();
    const gate = Promise.withResolvers<void>();
    storage.gate = gate.promise;
    const evaluated = Promise.withResolvers<string | undefined>();
    const first = queue.submit(put('a'));
    const second = queue.submit((draft) => {
      evaluated.resolve(draft.get('a')?.key);
      return draft.get('a')?.version;
    });
    expect(await evaluated.promise).toBe('a');
    expect(keys()).toEqual([]);
    expect(store.revision).toBe(1);
    gate.resolve();
    expect(await Promise.all([first, second])).toEqual([2, 1]);
    expect(keys()).toEqual(['a']);
  });

  test('writes that arrive during a commit form the next one', async () => {
    const { queue, storage } = open();
    const gate = Promise.withResolvers<void>();
    const evaluated = Promise.withResolvers<void>();
    storage.gate = gate.promise;
    const first = queue.submit((draft) => {
      evaluated.resolve();
      return put('a')(draft);
    });
    await evaluated.promise;
    const later = ['b', 'c'].map((key) => queue.submit(put(key)));
    gate.resolve();
    expect(await Promise.all([first, ...later])).toEqual([2, 3, 4]);
    expect(storage.commits).toBe(2);
  });

  test('a batch is limited in number', async () => {
    const { queue, storage } = open();
    await Promise.all(Array.from({ length: 1300 }, (_, at) => queue.submit(put(`k${at}`))));
    expect(storage.commits).toBe(3);
  });

  test('a batch is limited in bytes', async () => {
    const { queue, storage } = open();
    const large = Buffer.alloc(1.4 * 1024 * 1024);
    await Promise.all([1, 2, 3, 4].map((at) => queue.submit((draft) => draft.put(`k${at}`, large, 0n))));
    expect(storage.commits).toBe(2);
  });

  test('what changes nothing is answered without a commit', async () => {
    const { queue, storage } = open();
    expect(await queue.submit((draft) => draft.revision)).toBe(1);
    expect(storage.commits).toBe(0);
  });

  test('a transaction that throws is undone and does not disturb its neighbours', async () => {
    const { queue, keys, store } = open();
    await queue.submit(put('old'));
    const lease = await queue.submit((draft) => draft.grantLease(5n, 60));
    const results = await Promise.allSettled([
      queue.submit(put('before')),
      queue.submit((draft) => {
        draft.put('new', value, 5n);
        draft.deleteRange({ start: 'old', end: 'old\0', single: true });
        draft.compact(2);
        draft.revokeLease(5n);
        draft.grantLease(6n, 60);
        throw new Error('no');
      }),
      queue.submit(put('after')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(keys()).toEqual(['after', 'before', 'old']);
    expect(store.revision).toBe(4);
    expect(store.compactRevision).toBe(0);
    expect(store.leases.get(5n)).toBe(lease);
    expect(lease.keys.size).toBe(0);
    expect(store.leases.get(6n)).toBeUndefined();
    expect(store.tree.get('new')).toBeUndefined();
  });

  test('a full disk refuses the writes, keeps reads going, and later writes succeed', async () => {
    const { queue, storage, store, keys, failures } = open();
    await queue.submit(put('kept'));
    storage.failure = new StorageFull('no space left');
    await expect(queue.submit(put('lost'))).rejects.toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      message: 'etcdserver: mvcc: database space exceeded',
    });
    expect(keys()).toEqual(['kept']);
    expect(store.assignedRevision).toBe(2);
    expect(await queue.submit(put('again'))).toBe(3);
    expect(keys()).toEqual(['again', 'kept']);
    expect(failures).toEqual([]);
  });

  test('any other storage error leaves the outcome open, ends writing and is reported', async () => {
    const { queue, storage, keys, failures } = open();
    await queue.submit(put('kept'));
    const broken = new Error('I/O error');
    storage.failure = broken;
    const unknown = { code: Code.UNAVAILABLE, message: 'etcdserver: request timed out' };
    await expect(queue.submit(put('open'))).rejects.toMatchObject(unknown);
    await expect(queue.submit(put('next'))).rejects.toMatchObject(unknown);
    expect(failures).toEqual([broken]);
    expect(keys()).toEqual(['kept']);
  });

  test('a storage error refuses also what was waiting behind the commit', async () => {
    const { queue, storage } = open();
    const gate = Promise.withResolvers<void>();
    const evaluated = Promise.withResolvers<void>();
    storage.gate = gate.promise;
    storage.failure = new Error('I/O error');
    const first = queue.submit((draft) => {
      evaluated.resolve();
      return put('a')(draft);
    });
    await evaluated.promise;
    const second = queue.submit(put('b'));
    gate.resolve();
    const results = await Promise.allSettled([first, second]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(storage.commits).toBe(0);
  });

  test('closing finishes what was accepted and refuses what comes later', async () => {
    const { engine, queue, keys } = open();
    const accepted = queue.submit(put('a'));
    const closed = engine[Symbol.asyncDispose]();
    await expect(queue.submit(put('b'))).rejects.toMatchObject({ message: 'etcdserver: server stopped' });
    await closed;
    expect(await accepted).toBe(2);
    expect(keys()).toEqual(['a']);
  });

  test('background work that finds no space is left for later', async () => {
    const { queue, storage, failures } = open();
    for (const key of ['a', 'a', 'a']) await queue.submit(put(key));
    await queue.submit((draft) => draft.compact(4));
    storage.failure = new StorageFull('no space left');
    expect(await queue.submit(put('b'))).toBe(5);
    expect(failures).toEqual([]);
  });
});
