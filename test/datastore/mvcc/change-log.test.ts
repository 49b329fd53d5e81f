import { describe, expect, test } from 'vitest';
import { ChangeLog } from '../../../src/datastore/mvcc/change-log.ts';
import { Change, KeyHistory } from '../../../src/datastore/mvcc/key-history.ts';

const history = new KeyHistory(1, 'k');
const change = (id: number, revision: number): Change => new Change(id, history, revision, 1, 1, 0n);

function idsFrom(log: ChangeLog, revision: number): number[] {
  const ids: number[] = [];
  log.scan(revision, ({ id }) => ids.push(id) > 0);
  return ids;
}

describe('ChangeLog', () => {
  test('is read from any revision on, all changes of a revision included', () => {
    const log = new ChangeLog();
    [change(1, 2), change(2, 3), change(3, 3), change(4, 7)].forEach((entry) => log.append(entry));
    expect(idsFrom(log, 0)).toEqual([1, 2, 3, 4]);
    expect(idsFrom(log, 3)).toEqual([2, 3, 4]);
    expect(idsFrom(log, 4)).toEqual([4]);
    expect(idsFrom(log, 8)).toEqual([]);
  });

  test('drops what is oldest, also when there is much of it', () => {
    const log = new ChangeLog();
    for (let id = 1; id <= 5000; id++) log.append(change(id, id));
    for (let dropped = 0; dropped < 4000; dropped++) log.dropOldest();
    expect(log.length).toBe(1000);
    expect(log.oldest()?.id).toBe(4001);
    log.append(change(5001, 5001));
    expect(idsFrom(log, 4999)).toEqual([4999, 5000, 5001]);
    for (let dropped = 0; dropped < 1001; dropped++) log.dropOldest();
    expect(log.oldest()).toBeUndefined();
    expect(idsFrom(log, 0)).toEqual([]);
  });
});
