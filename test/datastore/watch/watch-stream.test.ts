import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { settle } from '../../../src/core/testing/virtual-clock.ts';
import { createEngine } from '../../../src/datastore/engine.ts';
import { MemoryStorage } from '../../../src/datastore/testing/memory-storage.ts';
import { ResponseEncoder } from '../../../src/datastore/watch/response-encoder.ts';
import { WatchStream } from '../../../src/datastore/watch/watch-stream.ts';
import type { Encodable } from '../../../src/datastore/wire/codec/message.ts';
import { WatchRequest, WatchResponse, type WatchCreateRequest } from '../../../src/datastore/wire/messages/watch.ts';

/** A stream whose client takes `capacity` messages and then nothing until it is drained. */
function open() {
  const clock = new VirtualClock();
  const failed = (error: unknown): never => {
    throw error;
  };
  const engine = createEngine({ storage: new MemoryStorage(), clock, log: silentLogger, cacheBytes: 1e6, failed });
  const sent: WatchResponse[] = [];
  const client = { capacity: Infinity, ended: false };
  const stream = new WatchStream(
    {
      send: (frame) => {
        sent.push(WatchResponse.decode(frame.subarray(5)));
        client.capacity--;
        return client.capacity > 0;
      },
      end: () => (client.ended = true),
    },
    {
      store: engine.store,
      hub: engine.hub,
      random: { next: () => 0.5 },
      encoder: new ResponseEncoder({ clusterId: 1, memberId: 2, raftTerm: 1 }, 1e6),
      progressInterval: 1000,
    },
  );
  const request = (content: Encodable<WatchRequest>): void => stream.received(WatchRequest.encode(content));
  const create = (content: Encodable<WatchCreateRequest>): void => request({ create: { rangeEnd: '\0', ...content } });
  const put = (key: string): Promise<void> => engine.queue.submit((draft) => draft.put(key, Buffer.from('v'), 0n));
  const drain = (capacity = Infinity): void => {
    client.capacity = capacity;
    stream.drained();
  };
  const keys = (): string[] => sent.flatMap(({ events }) => events.map(({ kv }) => kv?.key ?? ''));
  return { ...engine, clock, stream, sent, client, request, create, put, drain, keys };
}

describe('WatchStream', () => {
  test('stops at a client that reads slowly and goes on from the history, without a gap or a repetition', async () => {
    const { create, put, drain, keys, sent, client } = open();
    create({ key: 'a' });
    client.capacity = 2;
    for (const key of ['a1', 'a2', 'a3', 'a4']) await put(key);
    expect(keys()).toEqual(['a1', 'a2']);
    drain(1);
    expect(keys()).toEqual(['a1', 'a2', 'a3', 'a4']);
    await put('a5');
    drain();
    await put('a6');
    expect(keys()).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6']);
    expect(sent.every(({ canceled }) => !canceled)).toBe(true);
  });

  test('sends long history in pieces, each with whole revisions, and lets other work run between them', async () => {
    const { create, queue, keys, sent } = open();
    for (let batch = 0; batch < 30; batch++) {
      await queue.submit((draft) => {
        for (let at = 0; at < 99; at++) draft.put(`k/${batch}/${at}`, Buffer.alloc(1000), 0n);
      });
    }
    create({ key: 'k', startRevision: 2 });
    const atOnce = keys().length;
    expect(atOnce).toBeLessThan(1300);
    await settle();
    expect(keys()).toHaveLength(30 * 99);
    expect(new Set(keys()).size).toBe(30 * 99);
    for (const { events } of sent) expect(events.length % 99).toBe(0);
  });

  test('stops sending history when the client has gone', async () => {
    const { create, queue, keys, stream, hub } = open();
    for (let batch = 0; batch < 20; batch++) {
      await queue.submit((draft) => {
        for (let at = 0; at < 99; at++) draft.put(`k/${batch}/${at}`, Buffer.alloc(1000), 0n);
      });
    }
    create({ key: 'k', startRevision: 2 });
    const before = keys().length;
    stream.closed();
    await settle();
    expect(keys()).toHaveLength(before);
    expect(hub.size).toBe(0);
  });

  test('a watch that has fallen behind the compaction revision is told so and removed', async () => {
    const { create, put, drain, queue, sent, client, hub } = open();
    create({ key: 'a' });
    client.capacity = 1;
    for (const key of ['a1', 'a2', 'a2']) await put(key);
    await queue.submit((draft) => draft.compact(4));
    drain();
    expect(sent.at(-1)).toMatchObject({
      watchId: 0,
      canceled: true,
      compactRevision: 4,
      cancelReason: 'etcdserver: mvcc: required revision has been compacted',
    });
    expect(hub.size).toBe(0);
  });

  test('reports progress on request only behind all events', async () => {
    const { create, put, drain, request, sent, client } = open();
    create({ key: 'a' });
    client.capacity = 1;
    await put('a1');
    await put('a2');
    request({ progress: {} });
    expect(sent.at(-1)?.events).toHaveLength(1);
    drain();
    expect(sent.slice(-2).map(({ watchId, events, header }) => [watchId, events.length, header?.revision])).toEqual([
      [0, 1, 3],
      [-1, 0, 3],
    ]);
    request({ progress: {} });
    expect(sent).toHaveLength(5);
  });

  test('reports no progress for a watch that starts later, nor without a watch', async () => {
    const { create, put, request, sent } = open();
    request({ progress: {} });
    expect(sent).toHaveLength(0);
    create({ key: 'a', startRevision: 3, progressNotify: true });
    request({ progress: {} });
    expect(sent).toHaveLength(1);
    await put('b1');
    await put('b2');
    request({ progress: {} });
    expect(sent.at(-1)).toMatchObject({ watchId: -1, header: { revision: 3 } });
  });

  test('notifies quiet watches that asked for it of the progress, at intervals', async () => {
    const { create, put, clock, sent, stream } = open();
    create({ key: 'a', rangeEnd: 'b', progressNotify: true });
    create({ key: 'x', rangeEnd: 'y' });
    await put('z');
    await clock.advance(1050);
    expect(sent.at(-1)).toMatchObject({ watchId: 0, events: [], header: { revision: 2 } });
    await put('a1');
    const before = sent.length;
    await clock.advance(1050);
    expect(sent).toHaveLength(before);
    await clock.advance(1050);
    expect(sent.at(-1)).toMatchObject({ watchId: 0, events: [], header: { revision: 3 } });
    stream.closed();
    expect(clock.pendingTimers).toBe(0);
  });

  test('does not notify of progress that the client has not been sent', async () => {
    const { create, put, clock, sent, client } = open();
    create({ key: 'a', progressNotify: true });
    client.capacity = 1;
    await put('a1');
    await put('a2');
    const before = sent.length;
    await clock.advance(5000);
    expect(sent).toHaveLength(before);
  });

  test('ends when the client has finished', () => {
    const { stream, client } = open();
    stream.finished();
    expect(client.ended).toBe(true);
  });

  test('an unknown request is ignored', () => {
    const { stream, sent } = open();
    stream.received(Buffer.alloc(0));
    expect(sent).toEqual([]);
  });
});
