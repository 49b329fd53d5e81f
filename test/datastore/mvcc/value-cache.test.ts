import { describe, expect, test } from 'vitest';
import { Change, KeyHistory } from '../../../src/datastore/mvcc/key-history.ts';
import { ValueCache } from '../../../src/datastore/mvcc/value-cache.ts';
import { KeyValue } from '../../../src/datastore/wire/messages/kv.ts';

const history = new KeyHistory(1, 'key');
const change = (id: number): Change => new Change(id, history, id + 1, 2, 1, 0n);

function countingCache(budget: number) {
  const reads: number[] = [];
  const cache = new ValueCache(budget, (id) => {
    reads.push(id);
    return Buffer.alloc(100, id);
  });
  return { cache, reads };
}

describe('ValueCache', () => {
  test('reads a pair once and encodes all of it', () => {
    const { cache, reads } = countingCache(10_000);
    const one = new Change(7, history, 12, 9, 3, 5n);
    const pair = { key: 'key', createRevision: 9, modRevision: 12, version: 3, value: Buffer.alloc(100, 7), lease: 5n };
    expect(KeyValue.decode(cache.encoded(one))).toEqual(pair);
    expect(cache.encoded(one)).toBe(one.encoded);
    expect(reads).toEqual([7]);
  });

  test('stays within its budget and keeps what is used', () => {
    const { cache, reads } = countingCache(600);
    const changes = [1, 2, 3, 4, 5, 6, 7, 8].map(change);
    const [first] = changes as [Change];
    for (const each of changes) {
      cache.encoded(each);
      cache.encoded(first);
    }
    expect(cache.bytes).toBeLessThanOrEqual(600);
    expect(first.encoded).toBeDefined();
    expect(changes[1]?.encoded).toBeUndefined();
    expect(reads.filter((id) => id === 1)).toEqual([1]);
  });

  test('works without any budget', () => {
    const { cache, reads } = countingCache(0);
    const one = change(1);
    expect(cache.encoded(one).length).toBeGreaterThan(100);
    expect(cache.encoded(one).length).toBeGreaterThan(100);
    expect(reads).toEqual([1, 1]);
    expect(cache.bytes).toBe(0);
  });

  test('forgets what is gone', () => {
    const { cache } = countingCache(10_000);
    const one = change(1);
    cache.encoded(one);
    cache.forget(one);
    expect(one.encoded).toBeUndefined();
    expect(cache.bytes).toBe(0);
    cache.forget(one);
    expect(cache.bytes).toBe(0);
  });

  test('counts the bytes of a change once', () => {
    const { cache } = countingCache(10_000);
    const one = change(1);
    cache.encoded(one);
    const { bytes } = cache;
    cache.admit(one);
    cache.admit(change(2));
    expect(cache.bytes).toBe(bytes);
  });
});
