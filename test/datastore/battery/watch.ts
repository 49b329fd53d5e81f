import { describe, expect, test } from 'vitest';
import { EventType, WatchFilter, type WatchCreateRequest } from '../../../src/datastore/wire/messages/watch.ts';
import type { Encodable } from '../../../src/datastore/wire/codec/message.ts';
import type { Event, WatchResponse } from '../../../src/datastore/wire/messages/watch.ts';
import { bytes, prefixEnd, type Target } from './battery.ts';

export function watchBattery({ client }: Target): void {
  const open = async (create: Encodable<WatchCreateRequest>) => {
    const stream = client().watch();
    stream.send({ create });
    const created = await stream.next();
    const events = async (count: number): Promise<Event[]> => {
      const seen: Event[] = [];
      while (seen.length < count) seen.push(...(await stream.next()).events);
      return seen;
    };
    return { stream, created, events };
  };
  const folder = (prefix: string) => ({ key: prefix, rangeEnd: prefixEnd(prefix) });
  const summary = ({ type, kv }: Event): string =>
    `${type === EventType.DELETE ? 'delete' : 'put'} ${kv?.key}=${kv?.value.toString()} @${kv?.modRevision}`;

  describe('Watch', () => {
    test('delivers changes from now on, each with its revisions and the previous pair', async () => {
      const before = await client().revision();
      const { stream, created, events } = await open({ ...folder('w1/'), prevKv: true });
      expect(created).toMatchObject({ created: true, canceled: false, watchId: 0, header: { revision: before } });
      await client().put({ key: 'w1/a', value: bytes('1') });
      await client().put({ key: 'w1/a', value: bytes('2') });
      await client().deleteRange({ key: 'w1/a' });
      await client().put({ key: 'elsewhere', value: bytes('x') });
      const [creation, update, deletion] = await events(3);
      expect(creation?.kv).toMatchObject({ createRevision: before + 1, modRevision: before + 1, version: 1 });
      expect(creation?.prevKv).toBeUndefined();
      expect(update).toMatchObject({ kv: { version: 2 }, prevKv: { value: bytes('1'), modRevision: before + 1 } });
      expect(deletion).toMatchObject({
        type: EventType.DELETE,
        kv: { key: 'w1/a', modRevision: before + 3, createRevision: 0, version: 0, value: bytes('') },
        prevKv: { value: bytes('2'), modRevision: before + 2, createRevision: before + 1, version: 2 },
      });
      stream.cancel();
    });

    test('starts in the past and goes on into the present without a gap', async () => {
      const first = await client().put({ key: 'w2/a', value: bytes('1') });
      const start = first.header?.revision ?? 0;
      await client().put({ key: 'w2/b', value: bytes('2') });
      const { stream, events } = await open({ ...folder('w2/'), startRevision: start });
      await client().put({ key: 'w2/c', value: bytes('3') });
      expect((await events(3)).map(summary)).toEqual([
        `put w2/a=1 @${start}`,
        `put w2/b=2 @${start + 1}`,
        `put w2/c=3 @${start + 2}`,
      ]);
      stream.cancel();
    });

    test('that starts in the future waits for it', async () => {
      const now = await client().revision();
      const { stream, events } = await open({ ...folder('w3/'), startRevision: now + 2 });
      await client().put({ key: 'w3/early', value: bytes('1') });
      await client().put({ key: 'w3/due', value: bytes('2') });
      expect((await events(1)).map(summary)).toEqual([`put w3/due=2 @${now + 2}`]);
      stream.cancel();
    });

    test('of a single key, of an odd range and of everything see what is theirs', async () => {
      const single = await open({ key: 'w4/b' });
      const odd = await open({ key: 'w4/b', rangeEnd: 'w4/d' });
      const all = await open({ key: '', rangeEnd: '\0' });
      for (const name of ['a', 'b', 'c', 'd']) await client().put({ key: `w4/${name}`, value: bytes('') });
      const keys = (events: Event[]): (string | undefined)[] => events.map(({ kv }) => kv?.key);
      expect(keys(await single.events(1))).toEqual(['w4/b']);
      expect(keys(await odd.events(2))).toEqual(['w4/b', 'w4/c']);
      expect(keys(await all.events(4))).toEqual(['w4/a', 'w4/b', 'w4/c', 'w4/d']);
      for (const { stream } of [single, odd, all]) stream.cancel();
    });

    test('filters leave out puts or deletions', async () => {
      const noPut = await open({ ...folder('w5/'), filters: [WatchFilter.NOPUT] });
      const noDelete = await open({ ...folder('w5/'), filters: [WatchFilter.NODELETE] });
      await client().put({ key: 'w5/a', value: bytes('') });
      await client().deleteRange({ key: 'w5/a' });
      await client().put({ key: 'w5/b', value: bytes('') });
      expect((await noPut.events(1)).map(({ type }) => type)).toEqual([EventType.DELETE]);
      expect((await noDelete.events(2)).map(({ kv }) => kv?.key)).toEqual(['w5/a', 'w5/b']);
      noPut.stream.cancel();
      noDelete.stream.cancel();
    });

    test('the changes of one transaction arrive in one response', async () => {
      const { stream } = await open(folder('w6/'));
      await client().txn({ success: [1, 2, 3].map((at) => ({ put: { key: `w6/${at}`, value: bytes('') } })) });
      const response = await stream.next();
      expect(response.events.map(({ kv }) => kv?.key)).toEqual(['w6/1', 'w6/2', 'w6/3']);
      expect(new Set(response.events.map(({ kv }) => kv?.modRevision))).toEqual(new Set([response.header?.revision]));
      stream.cancel();
    });

    test('many watches share a stream, numbered from 0 unless the client numbers them', async () => {
      const stream = client().watch();
      const create = async (request: Encodable<WatchCreateRequest>): Promise<WatchResponse> => {
        stream.send({ create: request });
        return stream.next();
      };
      expect((await create(folder('w7/'))).watchId).toBe(0);
      expect((await create({ ...folder('w7/'), watchId: 7 })).watchId).toBe(7);
      expect((await create(folder('w7/'))).watchId).toBe(1);
      expect(await create({ ...folder('w7/'), watchId: 7 })).toMatchObject({
        created: true,
        canceled: true,
        watchId: -1,
        cancelReason: 'mvcc: duplicate watch ID provided on the WatchStream',
      });
      await client().put({ key: 'w7/a', value: bytes('') });
      const ids = [(await stream.next()).watchId, (await stream.next()).watchId, (await stream.next()).watchId];
      expect(ids.toSorted((a, b) => a - b)).toEqual([0, 1, 7]);
      stream.cancel();
    });

    test('is ended by the client, and unknown ids are ignored', async () => {
      const { stream } = await open(folder('w8/'));
      stream.send({ cancel: { watchId: 99 } });
      stream.send({ cancel: { watchId: 0 } });
      expect(await stream.next()).toMatchObject({ watchId: 0, canceled: true, created: false });
      await client().put({ key: 'w8/a', value: bytes('') });
      stream.send({ create: folder('w8/') });
      expect(await stream.next()).toMatchObject({ created: true, events: [] });
      stream.cancel();
    });

    test.each([
      ['an empty range', { key: 'b', rangeEnd: 'a' }, 'mvcc: watcher range is empty'],
      [
        'a negative revision',
        { key: 'b', startRevision: -1 },
        'etcdserver: mvcc: required revision has been compacted',
      ],
    ])('of %s is created and canceled at once', async (_, create, cancelReason) => {
      const { stream, created } = await open(create);
      expect(created).toMatchObject({ created: true, canceled: true, watchId: -1, cancelReason });
      stream.cancel();
    });

    test('that starts below the compaction revision is canceled, one that starts at it is served', async () => {
      const first = await client().put({ key: 'w9/a', value: bytes('1') });
      const second = await client().put({ key: 'w9/a', value: bytes('2') });
      const deletion = await client().deleteRange({ key: 'w9/a' });
      const compacted = deletion.header?.revision ?? 0;
      await client().compact(compacted, true);
      const below = await open({ ...folder('w9/'), startRevision: first.header?.revision ?? 0 });
      expect(await below.stream.next()).toMatchObject({ canceled: true, compactRevision: compacted });
      const justBelow = await open({ ...folder('w9/'), startRevision: second.header?.revision ?? 0 });
      expect(await justBelow.stream.next()).toMatchObject({ canceled: true, compactRevision: compacted });
      const at = await open({ ...folder('w9/'), startRevision: compacted });
      expect((await at.events(1)).map(summary)).toEqual([`delete w9/a= @${compacted}`]);
      for (const { stream } of [below, justBelow, at]) stream.cancel();
    });

    test('reports progress on request, behind the events', async () => {
      const { stream } = await open(folder('w10/'));
      await client().put({ key: 'w10/a', value: bytes('') });
      const last = await client().put({ key: 'unwatched', value: bytes('') });
      stream.send({ progress: {} });
      expect((await stream.next()).events).toHaveLength(1);
      expect(await stream.next()).toMatchObject({
        watchId: -1,
        events: [],
        header: { revision: last.header?.revision },
      });
      stream.cancel();
    });

    test('fragments a large response if the client allows it', async () => {
      const { stream } = await open({ ...folder('w11/'), fragment: true });
      const value = Buffer.alloc(400 * 1024);
      const start = await client().revision();
      for (let at = 0; at < 8; at++) await client().put({ key: `w11/${at}`, value });
      const again = await open({ ...folder('w11/'), fragment: true, startRevision: start + 1 });
      const keys: (string | undefined)[] = [];
      const fragments: boolean[] = [];
      while (keys.length < 8) {
        const { events, fragment } = await again.stream.next();
        keys.push(...events.map(({ kv }) => kv?.key));
        fragments.push(fragment);
      }
      expect(keys).toEqual(Array.from({ length: 8 }, (_, at) => `w11/${at}`));
      expect(fragments.length).toBeGreaterThan(1);
      expect(fragments.at(-1)).toBe(false);
      stream.cancel();
      again.stream.cancel();
    });
  });
}
