import { describe, expect, test } from 'vitest';
import { Change, KeyHistory } from '../../../src/datastore/mvcc/key-history.ts';

function historyOf(...revisions: readonly [revision: number, version: number][]): KeyHistory {
  const history = new KeyHistory(1, 'k');
  revisions.forEach(([revision, version], at) => {
    history.changes.push(new Change(at + 1, history, revision, version === 0 ? 0 : 3, version, 0n));
  });
  return history;
}

describe('KeyHistory', () => {
  const history = historyOf([3, 1], [5, 2], [8, 0], [9, 1]);

  test.each([
    [2, undefined],
    [3, 3],
    [4, 3],
    [5, 5],
    [7, 5],
    [8, 8],
    [9, 9],
    [100, 9],
  ])('at revision %i the newest change is that of %s', (revision, expected) => {
    expect(history.at(revision)?.revision).toBe(expected);
  });

  test('a deleted pair does not live', () => {
    expect(history.liveAt(7)?.version).toBe(2);
    expect(history.liveAt(8)).toBeUndefined();
    expect(history.liveAt(1)).toBeUndefined();
  });

  test('knows what a change replaced', () => {
    const [first, second, third, fourth] = history.changes as [Change, Change, Change, Change];
    expect(history.before(fourth)).toBe(third);
    expect(history.before(third)).toBe(second);
    expect(history.before(first)).toBeUndefined();
  });
});
