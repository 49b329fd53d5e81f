import { describe, expect, test } from 'vitest';
import { CompareResult, CompareTarget, SortOrder, SortTarget } from '../../../src/datastore/wire/messages/kv.ts';
import { Code } from '../../../src/datastore/wire/status.ts';
import { bytes, prefixEnd, type Target } from './battery.ts';

export function kvBattery({ client }: Target): void {
  describe('Put and Range', () => {
    test('a put is read back with its revisions, and its reply reports its own revision', async () => {
      const before = await client().revision();
      const put = await client().put({ key: 'pr/a', value: bytes('one') });
      expect(put.header?.revision).toBe(before + 1);
      expect(put.prevKv).toBeUndefined();
      const { kvs, count, more, header } = await client().range({ key: 'pr/a' });
      expect(kvs).toEqual([
        {
          key: 'pr/a',
          value: bytes('one'),
          createRevision: before + 1,
          modRevision: before + 1,
          version: 1,
          lease: 0n,
        },
      ]);
      expect({ count, more, revision: header?.revision }).toEqual({ count: 1, more: false, revision: before + 1 });
    });

    test('a second put raises version and modification revision and can return the previous pair', async () => {
      const first = await client().put({ key: 'pr/b', value: bytes('1') });
      const second = await client().put({ key: 'pr/b', value: bytes('2'), prevKv: true });
      expect(second.prevKv).toMatchObject({ value: bytes('1'), version: 1 });
      const { kvs } = await client().range({ key: 'pr/b' });
      expect(kvs[0]).toMatchObject({
        createRevision: first.header?.revision,
        modRevision: second.header?.revision,
        version: 2,
      });
    });

    test('a key that is created again starts at version 1', async () => {
      await client().put({ key: 'pr/c', value: bytes('1') });
      await client().deleteRange({ key: 'pr/c' });
      const again = await client().put({ key: 'pr/c', value: bytes('2') });
      const { kvs } = await client().range({ key: 'pr/c' });
      expect(kvs[0]).toMatchObject({ version: 1, createRevision: again.header?.revision });
    });

    test('a missing key is an empty reply with the newest revision', async () => {
      const revision = await client().revision();
      const reply = await client().range({ key: 'pr/missing' });
      expect(reply).toMatchObject({ kvs: [], count: 0, more: false, header: { revision } });
    });

    test('keys and values are bytes', async () => {
      const key = 'pr/bin/\0\x01\x7f\x80\xff';
      await client().put({ key, value: Buffer.from([0, 255, 128]) });
      const { kvs } = await client().range({ key: 'pr/bin/', rangeEnd: prefixEnd('pr/bin/') });
      expect(kvs).toMatchObject([{ key, value: Buffer.from([0, 255, 128]) }]);
    });

    test('ignore_value keeps the value and ignore_lease the lease', async () => {
      const { id } = await client().grantLease(600);
      await client().put({ key: 'pr/ignore', value: bytes('v'), lease: id });
      await client().put({ key: 'pr/ignore', ignoreValue: true });
      expect((await client().range({ key: 'pr/ignore' })).kvs[0]).toMatchObject({ value: bytes('v'), lease: 0n });
      await client().put({ key: 'pr/ignore', value: bytes('v'), lease: id });
      await client().put({ key: 'pr/ignore', value: bytes('w'), ignoreLease: true });
      expect((await client().range({ key: 'pr/ignore' })).kvs[0]).toMatchObject({ value: bytes('w'), lease: id });
    });

    test.each([
      ['no key', { value: bytes('x') }, Code.INVALID_ARGUMENT, 'etcdserver: key is not provided'],
      [
        'a value beside ignore_value',
        { key: 'k', value: bytes('x'), ignoreValue: true },
        Code.INVALID_ARGUMENT,
        'etcdserver: value is provided',
      ],
      [
        'a lease beside ignore_lease',
        { key: 'k', lease: 1n, ignoreLease: true },
        Code.INVALID_ARGUMENT,
        'etcdserver: lease is provided',
      ],
      [
        'ignore_value of a missing key',
        { key: 'pr/nokey', ignoreValue: true },
        Code.INVALID_ARGUMENT,
        'etcdserver: key not found',
      ],
      ['an unknown lease', { key: 'pr/lease', lease: 12345n }, Code.NOT_FOUND, 'etcdserver: requested lease not found'],
      [
        'a value over the limit',
        { key: 'pr/large', value: Buffer.alloc(1.5 * 1024 * 1024) },
        Code.INVALID_ARGUMENT,
        'etcdserver: request is too large',
      ],
      [
        'a message over the transport limit',
        { key: 'pr/large', value: Buffer.alloc(2 * 1024 * 1024) },
        Code.RESOURCE_EXHAUSTED,
        /^grpc: received message larger than max/,
      ],
    ])('a put with %s is refused in etcd’s words', async (_, request, code, message) => {
      await expect(client().put(request)).rejects.toMatchObject({
        code,
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      });
    });
  });

  describe('Range of many keys', () => {
    const fill = async (prefix: string, names: readonly string[]): Promise<void> => {
      for (const name of names) await client().put({ key: prefix + name, value: bytes(name) });
    };
    const keysOf = (kvs: readonly { key: string }[], prefix: string): string[] =>
      kvs.map(({ key }) => key.slice(prefix.length));

    test('is in byte order of the keys and half open', async () => {
      await fill('rm1/', ['b', 'a', 'ab', 'c', 'B']);
      const { kvs, count } = await client().range({ key: 'rm1/', rangeEnd: 'rm1/c' });
      expect(keysOf(kvs, 'rm1/')).toEqual(['B', 'a', 'ab', 'b']);
      expect(count).toBe(4);
    });

    test('the range end "\\0" means all keys from the key on', async () => {
      await fill('\x7fend/', ['a', 'b']);
      const { kvs } = await client().range({ key: '\x7fend/a', rangeEnd: '\0' });
      expect(keysOf(kvs, '\x7fend/')).toEqual(['a', 'b']);
    });

    test('an inverted range is empty', async () => {
      expect(await client().range({ key: 'rm1/z', rangeEnd: 'rm1/a' })).toMatchObject({ kvs: [], count: 0 });
    });

    test('pages report what is left from their key on, at one revision', async () => {
      await fill('page/', ['1', '2', '3', '4', '5']);
      const end = prefixEnd('page/');
      const first = await client().range({ key: 'page/', rangeEnd: end, limit: 2 });
      expect(first).toMatchObject({ more: true, count: 5 });
      const revision = first.header?.revision ?? 0;
      await client().put({ key: 'page/35', value: bytes('late') });
      await client().deleteRange({ key: 'page/4' });
      const second = await client().range({ key: 'page/2\0', rangeEnd: end, limit: 2, revision });
      expect(keysOf(second.kvs, 'page/')).toEqual(['3', '4']);
      expect(second).toMatchObject({ more: true, count: 3 });
      const third = await client().range({ key: 'page/4\0', rangeEnd: end, limit: 2, revision });
      expect(keysOf(third.kvs, 'page/')).toEqual(['5']);
      expect(third).toMatchObject({ more: false, count: 1 });
      expect(third.header?.revision).toBe(revision + 2);
    });

    test('count_only counts and keys_only leaves the values out', async () => {
      await fill('only/', ['a', 'b', 'c']);
      const end = prefixEnd('only/');
      const counted = await client().range({ key: 'only/', rangeEnd: end, countOnly: true });
      expect(counted).toMatchObject({ kvs: [], count: 3, more: false });
      const keys = await client().range({ key: 'only/', rangeEnd: end, keysOnly: true });
      expect(keysOf(keys.kvs, 'only/')).toEqual(['a', 'b', 'c']);
      expect(keys.kvs.every(({ value, modRevision }) => value.length === 0 && modRevision > 0)).toBe(true);
    });

    test('sorts by every target in both directions, before the limit if an order is given', async () => {
      await fill('sort/', ['a', 'b', 'c']);
      await client().put({ key: 'sort/a', value: bytes('z') });
      const list = async (sortTarget: number, sortOrder: number, limit = 0): Promise<string> => {
        const range = { key: 'sort/', rangeEnd: prefixEnd('sort/'), sortTarget, sortOrder, limit };
        return keysOf((await client().range(range)).kvs, 'sort/').join('');
      };
      expect(await list(SortTarget.KEY, SortOrder.DESCEND)).toBe('cba');
      expect(await list(SortTarget.KEY, SortOrder.DESCEND, 1)).toBe('c');
      expect(await list(SortTarget.MOD, SortOrder.ASCEND)).toBe('bca');
      expect(await list(SortTarget.MOD, SortOrder.DESCEND, 2)).toBe('ac');
      expect(await list(SortTarget.CREATE, SortOrder.DESCEND)).toBe('cba');
      expect((await list(SortTarget.VERSION, SortOrder.DESCEND)).startsWith('a')).toBe(true);
      expect(await list(SortTarget.VALUE, SortOrder.ASCEND)).toBe('bca');
      expect(await list(SortTarget.VALUE, SortOrder.DESCEND)).toBe('acb');
      expect(await list(SortTarget.MOD, SortOrder.NONE)).toBe('bca');
      await expect(list(9, SortOrder.ASCEND)).rejects.toMatchObject({ message: 'etcdserver: invalid sort option' });
      await expect(list(SortTarget.KEY, 9)).rejects.toMatchObject({ message: 'etcdserver: invalid sort option' });
    });

    test('revision filters apply after the fetch and leave the count alone', async () => {
      await fill('filter/', ['a', 'b', 'c']);
      const range = { key: 'filter/', rangeEnd: prefixEnd('filter/') };
      const revision = (await client().range({ key: 'filter/b' })).kvs[0]?.modRevision ?? 0;
      const at = async (filter: object): Promise<string> => {
        const { kvs, count } = await client().range({ ...range, ...filter });
        expect(count).toBe(3);
        return keysOf(kvs, 'filter/').join('');
      };
      expect(await at({ minModRevision: revision })).toBe('bc');
      expect(await at({ maxModRevision: revision })).toBe('ab');
      expect(await at({ minCreateRevision: revision + 1 })).toBe('c');
      expect(await at({ maxCreateRevision: revision - 1 })).toBe('a');
    });
  });

  describe('Range at a revision', () => {
    test('sees the past, and refuses the future', async () => {
      const first = await client().put({ key: 'at/a', value: bytes('1') });
      await client().put({ key: 'at/a', value: bytes('2') });
      const removed = await client().deleteRange({ key: 'at/a' });
      const past = await client().range({ key: 'at/a', revision: first.header?.revision ?? 0 });
      expect(past.kvs[0]?.value).toEqual(bytes('1'));
      expect(past.header?.revision).toBe(removed.header?.revision);
      const revision = (removed.header?.revision ?? 0) + 1;
      await expect(client().range({ key: 'at/a', revision })).rejects.toMatchObject({
        code: Code.OUT_OF_RANGE,
        message: 'etcdserver: mvcc: required revision is a future revision',
      });
    });

    test('a compacted revision is refused, the compaction revision itself is not', async () => {
      const first = await client().put({ key: 'gone/a', value: bytes('1') });
      const second = await client().put({ key: 'gone/a', value: bytes('2') });
      const revision = second.header?.revision ?? 0;
      await client().compact(revision);
      expect((await client().range({ key: 'gone/a', revision })).kvs[0]?.value).toEqual(bytes('2'));
      await expect(client().range({ key: 'gone/a', revision: first.header?.revision ?? 0 })).rejects.toMatchObject({
        code: Code.OUT_OF_RANGE,
        message: 'etcdserver: mvcc: required revision has been compacted',
      });
      await expect(client().compact(revision)).rejects.toMatchObject({
        message: 'etcdserver: mvcc: required revision has been compacted',
      });
      await expect(client().compact(revision + 100)).rejects.toMatchObject({
        message: 'etcdserver: mvcc: required revision is a future revision',
      });
      await client().put({ key: 'gone/b', value: bytes('3') });
      await client().compact(revision + 1, true);
    });
  });

  describe('DeleteRange', () => {
    test('deletes a range at one revision and returns what was there', async () => {
      for (const name of ['a', 'b', 'c']) await client().put({ key: `del/${name}`, value: bytes(name) });
      const before = await client().revision();
      const reply = await client().deleteRange({ key: 'del/', rangeEnd: 'del/c', prevKv: true });
      expect(reply).toMatchObject({ deleted: 2, header: { revision: before + 1 } });
      expect(reply.prevKvs.map(({ key, value }) => [key, value.toString()])).toEqual([
        ['del/a', 'a'],
        ['del/b', 'b'],
      ]);
      expect((await client().range({ key: 'del/', rangeEnd: prefixEnd('del/') })).count).toBe(1);
    });

    test('of nothing does not move the revision', async () => {
      const revision = await client().revision();
      expect(await client().deleteRange({ key: 'del/none' })).toMatchObject({ deleted: 0, header: { revision } });
      expect(await client().revision()).toBe(revision);
      await expect(client().deleteRange({ key: '' })).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    });
  });

  describe('Txn', () => {
    const modIs = (key: string, modRevision: number) => ({
      key,
      target: CompareTarget.MOD,
      result: CompareResult.EQUAL,
      modRevision,
    });

    test('kube-apiserver’s create succeeds once and fails without saying why', async () => {
      const create = { compare: [modIs('txn/a', 0)], success: [{ put: { key: 'txn/a', value: bytes('1') } }] };
      const first = await client().txn(create);
      expect(first.succeeded).toBe(true);
      expect(first.responses[0]?.put?.header?.revision).toBe(first.header?.revision);
      const second = await client().txn(create);
      expect(second).toMatchObject({ succeeded: false, responses: [], header: { revision: first.header?.revision } });
    });

    test('kube-apiserver’s update and delete return the current pair on conflict', async () => {
      const { header } = await client().put({ key: 'txn/b', value: bytes('1') });
      const revision = header?.revision ?? 0;
      const update = (expected: number, value: string) =>
        client().txn({
          compare: [modIs('txn/b', expected)],
          success: [{ put: { key: 'txn/b', value: bytes(value) } }],
          failure: [{ range: { key: 'txn/b' } }],
        });
      expect(await update(revision, '2')).toMatchObject({ succeeded: true, header: { revision: revision + 1 } });
      const conflict = await update(revision, '3');
      expect(conflict.succeeded).toBe(false);
      expect(conflict.responses[0]?.range).toMatchObject({ kvs: [{ value: bytes('2') }], count: 1 });
      const remove = await client().txn({
        compare: [modIs('txn/b', revision + 1)],
        success: [{ deleteRange: { key: 'txn/b' } }],
        failure: [{ range: { key: 'txn/b' } }],
      });
      expect(remove).toMatchObject({ succeeded: true, responses: [{ deleteRange: { deleted: 1 } }] });
      expect(remove.header?.revision).toBe(revision + 2);
    });

    test('all operations share a revision, run in order and see one another', async () => {
      const reply = await client().txn({
        success: [
          { range: { key: 'txn/c/', rangeEnd: prefixEnd('txn/c/'), countOnly: true } },
          { put: { key: 'txn/c/1', value: bytes('1') } },
          { put: { key: 'txn/c/2', value: bytes('2') } },
          { range: { key: 'txn/c/', rangeEnd: prefixEnd('txn/c/') } },
          { deleteRange: { key: 'txn/c/3' } },
        ],
      });
      expect(reply.responses.map((response) => response.range?.count ?? -1)).toEqual([0, -1, -1, 2, -1]);
      const revisions = reply.responses[3]?.range?.kvs.map((pair) => pair.modRevision);
      expect(revisions).toEqual([reply.header?.revision, reply.header?.revision]);
    });

    test('a transaction that changes nothing does not move the revision', async () => {
      const revision = await client().revision();
      const reply = await client().txn({ success: [{ deleteRange: { key: 'txn/none' } }, { range: { key: 'a' } }] });
      expect(reply.header?.revision).toBe(revision);
      expect(await client().revision()).toBe(revision);
      expect((await client().txn({})).succeeded).toBe(true);
    });

    test('nested transactions compare against the state before the whole transaction', async () => {
      const reply = await client().txn({
        success: [
          { put: { key: 'txn/n/a', value: bytes('1') } },
          {
            txn: {
              compare: [{ key: 'txn/n/a', target: CompareTarget.VERSION, result: CompareResult.EQUAL, version: 0 }],
              success: [{ put: { key: 'txn/n/was-absent' } }],
              failure: [{ put: { key: 'txn/n/was-present' } }],
            },
          },
        ],
      });
      expect(reply.responses[1]?.txn?.succeeded).toBe(true);
      expect((await client().range({ key: 'txn/n/was-absent' })).count).toBe(1);
    });

    test.each([
      ['version', { target: CompareTarget.VERSION, version: 2 }],
      ['value', { target: CompareTarget.VALUE, value: bytes('m') }],
      ['lease', { target: CompareTarget.LEASE, lease: 5n }],
      ['create revision', { target: CompareTarget.CREATE, createRevision: 3 }],
    ])('compares the %s of a pair in all four ways', async (name, operand) => {
      const key = `txn/cmp/${name}`;
      await client().put({ key, value: bytes('n') });
      const holds = async (result: number): Promise<boolean> =>
        (await client().txn({ compare: [{ key, result, ...operand }] })).succeeded;
      const greater = operand.target === CompareTarget.VALUE || operand.target === CompareTarget.CREATE;
      expect(await holds(CompareResult.EQUAL)).toBe(false);
      expect(await holds(CompareResult.NOT_EQUAL)).toBe(true);
      expect(await holds(CompareResult.GREATER)).toBe(greater);
      expect(await holds(CompareResult.LESS)).toBe(!greater);
    });

    test('a comparison over a range must hold for every pair; a missing value equals nothing', async () => {
      await client().put({ key: 'txn/r/1', value: bytes('x') });
      await client().put({ key: 'txn/r/2', value: bytes('x') });
      const all = { key: 'txn/r/', rangeEnd: prefixEnd('txn/r/') };
      const value = (content: string) => ({ target: CompareTarget.VALUE, value: bytes(content) });
      expect((await client().txn({ compare: [{ ...all, ...value('x') }] })).succeeded).toBe(true);
      await client().put({ key: 'txn/r/2', value: bytes('y') });
      expect((await client().txn({ compare: [{ ...all, ...value('x') }] })).succeeded).toBe(false);
      expect((await client().txn({ compare: [{ key: 'txn/r/3', ...value('') }] })).succeeded).toBe(false);
      const unequal = { key: 'txn/r/3', ...value('x'), result: CompareResult.NOT_EQUAL };
      expect((await client().txn({ compare: [unequal] })).succeeded).toBe(false);
    });

    test.each([
      [
        'two puts of a key',
        { success: [{ put: { key: 'd' } }, { put: { key: 'd' } }] },
        'etcdserver: duplicate key given in txn request',
      ],
      [
        'a put inside a deleted range',
        { failure: [{ put: { key: 'd' } }, { deleteRange: { key: 'a', rangeEnd: 'z' } }] },
        'etcdserver: duplicate key given in txn request',
      ],
      [
        'a put that a nested transaction repeats',
        { success: [{ put: { key: 'd' } }, { txn: { failure: [{ put: { key: 'd' } }] } }] },
        'etcdserver: duplicate key given in txn request',
      ],
      [
        'a nested put of a key that is deleted',
        { success: [{ txn: { success: [{ put: { key: 'd' } }] } }, { deleteRange: { key: 'd' } }] },
        'etcdserver: duplicate key given in txn request',
      ],
      [
        '129 operations',
        { success: Array.from({ length: 129 }, (_, at) => ({ put: { key: `op/${at}` } })) },
        'etcdserver: too many operations in txn request',
      ],
      ['a comparison without a key', { compare: [{ key: '' }] }, 'etcdserver: key is not provided'],
      ['an operation without a key', { success: [{ range: { key: '' } }] }, 'etcdserver: key is not provided'],
      ['an empty operation', { success: [{}] }, 'etcdserver: key not found'],
      [
        'a lease that does not exist',
        { success: [{ put: { key: 'd', lease: 99n } }] },
        'etcdserver: requested lease not found',
      ],
      [
        'a read of the future',
        { success: [{ put: { key: 'd' } }, { range: { key: 'd', revision: 1e9 } }] },
        'etcdserver: mvcc: required revision is a future revision',
      ],
    ])('%s is refused and changes nothing', async (_, request, message) => {
      const revision = await client().revision();
      await expect(client().txn(request)).rejects.toMatchObject({ message });
      expect(await client().revision()).toBe(revision);
    });

    test('both branches of one nested transaction may put the same key', async () => {
      const put = [{ put: { key: 'txn/both' } }];
      expect((await client().txn({ success: [{ txn: { success: put, failure: put } }] })).succeeded).toBe(true);
    });

    test('128 operations are accepted', async () => {
      const success = Array.from({ length: 128 }, (_, at) => ({ put: { key: `txn/many/${at}` } }));
      expect((await client().txn({ success })).responses).toHaveLength(128);
    });
  });
}
