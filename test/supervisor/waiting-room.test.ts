import { describe, expect, test } from 'vitest';
import { WaitingRoom } from '../../src/supervisor/waiting-room.ts';

describe('WaitingRoom', () => {
  test('sends whoever has waited longest away for a newcomer', () => {
    const dismissed: string[] = [];
    const room = new WaitingRoom<string>(2, (member) => dismissed.push(member));
    for (const member of ['a', 'b', 'c', 'd']) room.enter(member);
    expect(dismissed).toEqual(['a', 'b']);
  });

  test('forgets who has left, and counts who comes again as new', () => {
    const dismissed: string[] = [];
    const room = new WaitingRoom<string>(2, (member) => dismissed.push(member));
    room.enter('a');
    room.enter('b');
    room.leave('a');
    room.leave('a');
    room.enter('a');
    expect(dismissed).toEqual([]);
    room.enter('c');
    expect(dismissed).toEqual(['b']);
  });
});
