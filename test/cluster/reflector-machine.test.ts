import { describe, expect, test } from 'vitest';
import { ApiError } from '../../src/cluster/api-error.ts';
import type { WatchEvent } from '../../src/cluster/client.ts';
import type { ConfigMap } from '../../src/cluster/kinds.ts';
import { ReflectorMachine } from '../../src/cluster/reflector-machine.ts';

const request = { method: 'GET', path: '/api/v1/configmaps' };
const failure = (status: number, retryAfter?: number): ApiError => new ApiError(status, {}, request, retryAfter);
const refusedConnection = new Error('connect ECONNREFUSED');

/** Chance that always falls in the middle. */
const machine = (): ReflectorMachine<ConfigMap> => new ReflectorMachine<ConfigMap>({ next: () => 0.5 });

const object = (name: string, version: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: name, resourceVersion: version },
});
const added = (name: string, version: string): WatchEvent<ConfigMap> => ({
  type: 'ADDED',
  object: object(name, version),
});
const bookmark = (resourceVersion: string, initialEventsEnd = false): WatchEvent<ConfigMap> => ({
  type: 'BOOKMARK',
  resourceVersion,
  initialEventsEnd,
});

/** A machine that follows from version 10. */
function following(): ReflectorMachine<ConfigMap> {
  const following = machine();
  following.next();
  following.opened(0);
  following.watchEvent(bookmark('10', true), 0);
  return following;
}

describe('the first snapshot', () => {
  test('is asked for as a stream that says when it is complete, and with a limit of its own', () => {
    expect(machine().next()).toEqual({
      type: 'watch',
      options: {
        allowWatchBookmarks: true,
        timeoutSeconds: 450,
        sendInitialEvents: true,
        resourceVersionMatch: 'NotOlderThan',
        resourceVersion: '',
      },
      limit: 455_000,
    });
  });

  test('is built aside and done with the bookmark that ends it, whose version is where to resume', () => {
    const reflector = machine();
    reflector.next();
    expect(reflector.watchEvent(added('b', '9'), 0).map(({ type }) => type)).toEqual(['Init', 'InitApply']);
    expect(reflector.watchEvent(added('a', '3'), 0).map(({ type }) => type)).toEqual(['InitApply']);
    expect(reflector.watchEvent(bookmark('5'), 0)).toEqual([]);
    expect(reflector.watchEvent({ type: 'DELETED', object: object('b', '10') }, 0).map(({ type }) => type)).toEqual([
      'Delete',
    ]);
    expect(reflector.idleLimit).toBe(20_000);
    expect(reflector.watchEvent(bookmark('12', true), 0)).toEqual([{ type: 'InitDone', resourceVersion: '12' }]);
    expect(reflector.idleLimit).toBe(70_000);
    reflector.ended('closed', 5_000);
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { resourceVersion: '12' } });
  });

  test('of an empty set is an Init and an InitDone', () => {
    const reflector = machine();
    reflector.next();
    expect(reflector.watchEvent(bookmark('12', true), 0).map(({ type }) => type)).toEqual(['Init', 'InitDone']);
  });

  test('falls back to pages when the stream ends early, and streams again next time', () => {
    const reflector = machine();
    reflector.next();
    reflector.opened(0);
    reflector.watchEvent(added('a', '3'), 0);
    reflector.ended('closed', 10);
    expect(reflector.next()).toEqual({ type: 'list', options: { limit: 500 }, limit: 60_000 });
    expect(
      reflector.page({ items: [object('a', '3')], resourceVersion: '20', continue: 'more' }, 0).map(({ type }) => type),
    ).toEqual(['Init', 'InitApply']);
    expect(reflector.next()).toMatchObject({ type: 'list', options: { limit: 500, continue: 'more' } });
    expect(reflector.page({ items: [object('b', '4')], resourceVersion: '20' }, 0)).toEqual([
      { type: 'InitApply', object: object('b', '4') },
      { type: 'InitDone', resourceVersion: '20' },
    ]);
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { resourceVersion: '20' } });
    reflector.failed(failure(410), 0);
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { sendInitialEvents: true } });
  });

  test.each([400, 422])('is paged for good when the server answers %i to the stream', (status) => {
    const reflector = machine();
    reflector.next();
    reflector.failed(failure(status), 0);
    expect(reflector.next()).toMatchObject({ type: 'list' });
    reflector.page({ items: [], resourceVersion: '20' }, 0);
    reflector.next();
    reflector.failed(failure(410), 0);
    expect(reflector.next()).toMatchObject({ type: 'list' });
  });

  test('is paged this once when the stream falls silent before its end', () => {
    const reflector = machine();
    reflector.next();
    reflector.opened(0);
    reflector.watchEvent(added('a', '3'), 0);
    reflector.ended('stalled', 20_000);
    expect(reflector.next()).toMatchObject({ type: 'list' });
    reflector.page({ items: [], resourceVersion: '20' }, 0);
    reflector.next();
    reflector.failed(failure(410), 0);
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { sendInitialEvents: true } });
  });

  test('is streamed again after a wait when the server did not even accept the stream', () => {
    const reflector = machine();
    reflector.next();
    reflector.ended('stalled', 20_000);
    expect(reflector.next()).toMatchObject({ type: 'wait', delay: 400 });
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { sendInitialEvents: true } });
  });

  test('is paged after a wait when the server fails, but streamed again when it does not answer at all', () => {
    const failing = machine();
    failing.next();
    failing.failed(failure(500), 0);
    expect(failing.next()).toMatchObject({ type: 'wait', delay: 400 });
    expect(failing.next()).toMatchObject({ type: 'list' });
    const absent = machine();
    absent.next();
    absent.failed(refusedConnection, 0);
    expect(absent.next()).toMatchObject({ type: 'wait', delay: 400, unavailable: false });
    expect(absent.next()).toMatchObject({ type: 'watch', options: { sendInitialEvents: true } });
  });

  test('begins again at the first page when a continue token has expired, and keeps it through other failures', () => {
    const reflector = machine();
    reflector.next();
    reflector.opened(0);
    reflector.ended('closed', 0);
    reflector.next();
    reflector.page({ items: [object('a', '3')], resourceVersion: '20', continue: 'more' }, 0);
    reflector.failed(refusedConnection, 0);
    reflector.next();
    expect(reflector.next()).toMatchObject({ options: { continue: 'more' } });
    reflector.failed(failure(410), 0);
    expect(reflector.next()).toMatchObject({ type: 'wait' });
    expect(reflector.next()).toEqual({ type: 'list', options: { limit: 500 }, limit: 60_000 });
    expect(reflector.page({ items: [], resourceVersion: '30' }, 0).map(({ type }) => type)).toEqual([
      'Init',
      'InitDone',
    ]);
  });
});

describe('following', () => {
  test('changes become Apply and Delete, bookmarks move the place to resume from', () => {
    const reflector = following();
    expect(reflector.watchEvent(added('a', '11'), 0)).toEqual([{ type: 'Apply', object: object('a', '11') }]);
    expect(reflector.watchEvent({ type: 'MODIFIED', object: object('a', '12') }, 0)).toEqual([
      { type: 'Apply', object: object('a', '12') },
    ]);
    expect(reflector.watchEvent({ type: 'DELETED', object: object('a', '13') }, 0)).toEqual([
      { type: 'Delete', object: object('a', '13') },
    ]);
    expect(reflector.watchEvent(bookmark('50'), 0)).toEqual([{ type: 'Bookmark', resourceVersion: '50' }]);
    reflector.ended('closed', 400_000);
    expect(reflector.next()).toMatchObject({ options: { resourceVersion: '50' } });
  });

  test('bookmarks are always asked for and the time-out lies between five and ten minutes', () => {
    for (const chance of [0, 0.999_999]) {
      const reflector = new ReflectorMachine<ConfigMap>({ next: () => chance });
      const action = reflector.next();
      expect(action.type === 'watch' && action.options.allowWatchBookmarks).toBe(true);
      expect(action.type === 'watch' && action.options.timeoutSeconds).toBe(chance === 0 ? 300 : 599);
    }
  });

  test('a stalled watch is resumed at once from where it was', () => {
    const reflector = following();
    reflector.next();
    reflector.opened(0);
    reflector.ended('stalled', 70_000);
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { resourceVersion: '10' } });
  });

  test('a failure that is not 410 resumes from the same version after a wait that grows', () => {
    const reflector = following();
    const delays = [refusedConnection, failure(500), failure(401), new Error('reset')].map((error) => {
      reflector.failed(error, 0);
      const wait = reflector.next();
      expect(reflector.next()).toMatchObject({ type: 'watch', options: { resourceVersion: '10' } });
      return wait.type === 'wait' ? wait.delay : undefined;
    });
    expect(delays).toEqual([400, 800, 1600, 3200]);
    expect(reflector.failures).toBe(4);
  });

  test('two minutes of health make the next wait short again', () => {
    const reflector = following();
    for (let attempt = 0; attempt < 5; attempt++) {
      reflector.failed(refusedConnection, 0);
      reflector.next();
      reflector.next();
    }
    reflector.opened(1_000);
    reflector.failed(refusedConnection, 121_000);
    expect(reflector.next()).toMatchObject({ delay: 400 });
  });

  test('Retry-After is a lower bound of the wait', () => {
    const reflector = following();
    reflector.failed(failure(429, 7_000), 0);
    expect(reflector.next()).toMatchObject({ type: 'wait', delay: 7_000 });
    reflector.failed(failure(503, 1), 0);
    expect(reflector.next()).toMatchObject({ type: 'wait', delay: 800 });
  });

  test('410 takes a new snapshot, the first time at once and after that with waits', () => {
    const reflector = following();
    reflector.failed(failure(410), 0);
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { sendInitialEvents: true } });
    reflector.watchEvent(bookmark('20', true), 0);
    reflector.failed(failure(410), 0);
    expect(reflector.next()).toMatchObject({ type: 'wait', delay: 800 });
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { sendInitialEvents: true } });
  });

  test('a watch that ends at once without an event is a failure, or it would be asked for without pause', () => {
    const reflector = following();
    reflector.next();
    reflector.opened(1_000);
    reflector.ended('closed', 1_500);
    expect(reflector.next()).toMatchObject({ type: 'wait', delay: 400 });
    reflector.next();
    reflector.opened(2_000);
    reflector.watchEvent(added('a', '11'), 2_100);
    reflector.ended('closed', 2_200);
    expect(reflector.next()).toMatchObject({ type: 'watch', options: { resourceVersion: '11' } });
  });
});

describe('a kind that the server does not serve', () => {
  test.each([403, 404])('is asked for again rarely after %i, soon at first', (status) => {
    const reflector = machine();
    const delays = Array.from({ length: 8 }, () => {
      reflector.next();
      reflector.failed(failure(status), 0);
      const wait = reflector.next();
      return wait.type === 'wait' && wait.unavailable ? wait.delay : undefined;
    });
    expect(delays).toEqual([750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
  });

  test('does not use up the patience for other failures, and is forgotten with the first answer', () => {
    const reflector = machine();
    reflector.next();
    reflector.failed(failure(404), 0);
    reflector.next();
    expect(reflector.failures).toBe(0);
    reflector.next();
    reflector.opened(0);
    reflector.failed(failure(404), 0);
    expect(reflector.next()).toMatchObject({ delay: 750 });
  });

  test('is listed anew when its definition comes back, but a refusal keeps the place to resume from', () => {
    const gone = following();
    gone.failed(failure(404), 0);
    gone.next();
    expect(gone.next()).toMatchObject({ options: { sendInitialEvents: true } });
    const denied = following();
    denied.failed(failure(403), 0);
    denied.next();
    expect(denied.next()).toMatchObject({ options: { resourceVersion: '10' } });
  });
});
