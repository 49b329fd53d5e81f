import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { createEngine, type Engine } from '../../../src/datastore/engine.ts';
import { readCommitted } from '../../../src/datastore/mvcc/range.ts';
import { runTransaction } from '../../../src/datastore/mvcc/transaction.ts';
import { SqliteStorage } from '../../../src/datastore/storage/sqlite/sqlite-storage.ts';
import type { Storage } from '../../../src/datastore/storage/storage.ts';
import { MemoryStorage } from '../../../src/datastore/testing/memory-storage.ts';
import { ResponseEncoder } from '../../../src/datastore/watch/response-encoder.ts';
import { WatchStream } from '../../../src/datastore/watch/watch-stream.ts';
import { CompareTarget, KeyValue, RangeRequest, TxnRequest } from '../../../src/datastore/wire/messages/kv.ts';
import { EventType, WatchRequest, WatchResponse, type Event } from '../../../src/datastore/wire/messages/watch.ts';
import type { RpcError } from '../../../src/datastore/wire/status.ts';
import { Model, type ModelEvent, type Pair, type Write } from './model.ts';

const key = fc.constantFrom('a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'c');
const bound = fc.constantFrom('a/', 'a/2', 'a0', 'b/', 'b0', 'z');
/** Percent of the newest revision, more often near to it; "compacted" is the compaction revision itself. */
const age = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 80, max: 100 }),
  fc.constant('compacted' as const),
);
type Age = typeof age extends fc.Arbitrary<infer A> ? A : never;

const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, value: fc.string({ maxLength: 3, unit: 'grapheme-ascii' }) }),
  fc.record({ kind: fc.constant('delete' as const), start: bound, end: bound }),
);
/** Conditional on a key being as the writer saw it, or not; both branches write. */
const transaction = fc.record({ on: key, holds: fc.boolean(), success: write, failure: write });

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), batch: fc.array(transaction, { maxLength: 6 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      start: bound,
      end: bound,
      age,
      limit: fc.nat(4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), age }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('watch' as const),
      start: bound,
      end: bound,
      age,
      patience: fc.nat(3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drain' as const) }) },
); // prettier-ignore
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A watch of which every event is compared with the model's history; its client stops reading after a few responses. */
class CheckedWatch {
  readonly #stream: WatchStream;
  readonly #expected: (from: number, to: number) => ModelEvent[];
  readonly #patience: number;
  readonly #start: number;
  #taken = 0;
  #seen: Event[] = [];
  canceled = false;

  constructor(engine: Engine, model: Model, range: { start: string; end: string }, start: number, patience: number) {
    this.#start = start;
    this.#patience = patience;
    this.#expected = (from, to) =>
      model.events.filter(
        (event) => event.revision >= from && event.revision <= to && event.key >= range.start && event.key < range.end,
      );
    this.#stream = new WatchStream(
      { send: (frame) => this.#receive(frame), end: () => {} },
      {
        store: engine.store,
        hub: engine.hub,
        random: seededRandom(1),
        encoder: new ResponseEncoder({ ...engine.store.storage.identity, raftTerm: 1 }, 1e6),
        progressInterval: 1e9,
      },
    );
    const create = { key: range.start, rangeEnd: range.end, startRevision: start, prevKv: true };
    this.#stream.received(WatchRequest.encode({ create }));
  }

  drain(): void {
    this.#taken = 0;
    this.#stream.drained();
  }

  /** Everything up to the newest revision has arrived, in order, once, and with what it replaced. */
  check(model: Model): void {
    // A client that is slower than compaction is told so.
    if (this.canceled) return;
    expect(this.#seen.map(plainEvent)).toEqual(this.#expected(this.#start, model.revision));
  }

  close(): void {
    this.#stream.closed();
  }

  #receive(frame: Buffer): boolean {
    const response = WatchResponse.decode(frame.subarray(5));
    this.canceled ||= response.canceled;
    this.#seen.push(...response.events);
    this.#taken++;
    return this.#taken <= this.#patience;
  }
}

function plainPair(pair: KeyValue): Pair {
  const { key, createRevision, modRevision, version, value } = pair;
  return { key, createRevision, modRevision, version, value: value.toString() };
}

function plainEvent({ type, kv, prevKv }: Event): ModelEvent {
  const previous = prevKv === undefined ? undefined : plainPair(prevKv);
  const pair = kv === undefined || type === EventType.DELETE ? undefined : plainPair(kv);
  return { key: kv?.key ?? '', revision: kv?.modRevision ?? 0, pair, previous };
}

async function follow(steps: readonly Step[], openStorage: () => Storage): Promise<void> {
  const model = new Model();
  let storage = openStorage();
  const open = (): Engine =>
    createEngine({
      storage,
      clock: new VirtualClock(),
      log: silentLogger,
      cacheBytes: 200,
      failed: (error) => {
        throw error;
      },
    });
  let engine = open();
  let watches: CheckedWatch[] = [];
  const revisionAt = (age: Age): number =>
    age === 'compacted' ? model.compactRevision : Math.round((model.revision * age) / 100);

  const close = async (): Promise<void> => {
    for (const watch of watches) watch.close();
    watches = [];
    await engine[Symbol.asyncDispose]();
    await storage[Symbol.asyncDispose]();
  };
  const settle = async (): Promise<void> => {
    await engine.queue.submit(() => {});
    const finished = engine.compactor.finished();
    engine.queue.schedule();
    await finished;
  };
  for (const each of steps) {
    switch (each.kind) {
      case 'write': {
        const promises = each.batch.map(async ({ on, holds, success, failure }) => {
          const request = (modRevision: number) =>
            TxnRequest.decode(
              TxnRequest.encode({
                compare: [{ key: on, target: CompareTarget.MOD, modRevision }],
                success: [operation(success)],
                failure: [operation(failure)],
              }),
            );
          return engine.queue.submit((draft) => {
            const actual = draft.get(on)?.modRevision ?? 0;
            return runTransaction(draft, request(holds ? actual : actual + 1));
          });
        });
        for (const { holds, success, failure } of each.batch) model.apply([holds ? success : failure]);
        const results = await Promise.all(promises);
        expect(results.map(({ succeeded }) => succeeded)).toEqual(each.batch.map(({ holds }) => holds));
        if (results.length > 0) expect(results.at(-1)?.revision).toBe(model.revision);
        break;
      }
      case 'read': {
        const revision = Math.max(1, revisionAt(each.age));
        const fields = { key: each.start, rangeEnd: each.end, revision, limit: each.limit };
        const request = RangeRequest.decode(RangeRequest.encode(fields));
        const read = () => readCommitted(engine.store, request);
        if (revision < model.compactRevision) {
          expect(read).toThrow(expect.objectContaining({ message: expect.stringContaining('compacted') }) as RpcError);
          break;
        }
        const expected = model.range(each.start, each.end, revision);
        const { changes, count, more } = read();
        const limited = each.limit === 0 ? expected : expected.slice(0, each.limit);
        const pairs = changes.map((change) => plainPair(KeyValue.decode(engine.store.cache.encoded(change))));
        expect(pairs).toEqual(limited);
        expect(count).toBe(expected.length);
        expect(more).toBe(limited.length < expected.length);
        break;
      }
      case 'compact': {
        const revision = revisionAt(each.age);
        if (revision <= model.compactRevision) break;
        await engine.queue.submit((draft) => draft.compact(revision));
        model.compactRevision = revision;
        break;
      }
      case 'restart':
        await close();
        storage = openStorage();
        engine = open();
        expect(engine.store.revision).toBe(model.revision);
        break;
      case 'watch': {
        const start = Math.max(1, revisionAt(each.age), model.compactRevision);
        watches.push(new CheckedWatch(engine, model, each, start, each.patience + 1));
        break;
      }
      case 'drain':
        for (const watch of watches) watch.drain();
        break;
    }
  }
  await settle();
  for (const watch of watches) {
    // The client reads on until there is nothing more to read.
    for (let round = 0; round < 200; round++) watch.drain();
    watch.check(model);
  }
  if (storage instanceof MemoryStorage) expect(storage.size().total).toBe(model.remembered());
  await close();
}

function operation(write: Write) {
  if (write.kind === 'put') return { put: { key: write.key, value: Buffer.from(write.value) } };
  return { deleteRange: { key: write.start, rangeEnd: write.end } };
}

describe('The store behaves like a copy of everything at every revision', () => {
  const resources = new AsyncDisposableStack();
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'datastore-model-'));
    resources.defer(() => rm(directory, { recursive: true }));
  });
  afterAll(() => resources.disposeAsync());

  test('on memory', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), (steps) => {
        const storage = new MemoryStorage();
        return follow(steps, () => storage);
      }),
      { numRuns: 300 },
    );
  });

  test('on SQLite, across restarts', { timeout: 60_000 }, async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), async (steps) => {
        const file = join(directory, `${run++}.db`);
        await follow(steps, () => SqliteStorage.open(file, seededRandom(1)));
      }),
      { numRuns: 40 },
    );
  });
});
