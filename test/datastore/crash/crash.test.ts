import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/log.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { openDatastore } from '../../../src/datastore/open.ts';
import { EtcdClient } from '../../../src/datastore/testing/etcd-client.ts';

const WRITERS = 16;

/** What a reply promised: the value of a key at a revision. */
interface Acknowledged {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

describe('a datastore that is killed', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'crash-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** Starts a server, writes from many sides at once, and kills it when `enough` writes were acknowledged. */
  async function writeUntilKilled(file: string, round: number, enough: number): Promise<Acknowledged[]> {
    const socket = join(directory, 'kine.sock');
    const server = spawn(process.execPath, [join(import.meta.dirname, 'server.ts'), file, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(server.stdout, 'data');
    const exited = once(server, 'exit');
    const acknowledged: Acknowledged[] = [];
    await using client = await EtcdClient.connect(socket);
    const write = async (writer: number): Promise<void> => {
      for (let turn = 0; ; turn++) {
        // Both keys or none: one is new, one is written over and over.
        const pairs = [
          { key: `round${round}/${writer}/${turn}`, value: `new ${turn}` },
          { key: `shared/${writer}`, value: `${round}/${turn}` },
        ];
        const success = pairs.map(({ key, value }) => ({ put: { key, value: Buffer.from(value) } }));
        const { header } = await client.txn({ success });
        acknowledged.push(...pairs.map((pair) => ({ ...pair, revision: header?.revision ?? 0 })));
        if (turn % 10 === 9 && writer === 0)
          await client.compact((header?.revision ?? 0) - WRITERS).catch(ignoreRefusal);
        if (acknowledged.length / 2 === enough) server.kill('SIGKILL');
      }
    };
    await Promise.allSettled(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    await exited;
    return acknowledged;
  }

  test('has kept every acknowledged write, whole, time after time', { timeout: 60_000 }, async () => {
    const file = join(directory, 'state.db');
    const random = seededRandom(20_260_101);
    const all: Acknowledged[] = [];
    for (let round = 0; round < 5; round++) {
      all.push(...(await writeUntilKilled(file, round, 20 + Math.floor(random.next() * 400))));

      const socket = join(directory, 'check.sock');
      await using _server = await openDatastore({ file, socket, log: silentLogger });
      await using client = await EtcdClient.connect(socket);
      const { kvs, header } = await client.range({ key: '\0', rangeEnd: '\0' });
      const found = new Map(kvs.map((pair) => [pair.key, pair]));
      expect(header?.revision).toBeGreaterThanOrEqual(Math.max(...all.map(({ revision }) => revision)));
      for (const { key, value, revision } of all) {
        const pair = found.get(key);
        // A later write of the same key, acknowledged or not, may have replaced the value.
        if (pair?.modRevision === revision) expect(pair.value.toString()).toBe(value);
        else
          expect([key, pair?.modRevision ?? 0]).toEqual([key, expect.toSatisfy((later: number) => later > revision)]);
      }
      // The two keys of each transaction carry the same revision.
      const latest = new Map(kvs.map((pair) => [pair.modRevision, 0]));
      for (const { modRevision } of kvs) latest.set(modRevision, (latest.get(modRevision) ?? 0) + 1);
      for (const pair of kvs) if (pair.key.startsWith('shared/')) expect(latest.get(pair.modRevision)).toBe(2);
    }
    expect(all.length).toBeGreaterThan(200);
  });
});

function ignoreRefusal(): void {}
