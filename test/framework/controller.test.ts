import { describe, expect, test } from 'vitest';
import { ConfigMaps } from '../../src/cluster/kinds.ts';
import { defineController, defineSourceController, settingsOf } from '../../src/framework/controller.ts';
import { done } from '../../src/framework/outcome.ts';
import { EMPTY } from 'rxjs';

const base = { name: 'config', for: ConfigMaps, reconcile: async () => done() };
const source = { name: 'files', list: async () => [], changes$: EMPTY, read: async () => undefined };

describe('defineController', () => {
  test('fills in one slot, five minutes, ten hours and 200 ms to five minutes', () => {
    expect(settingsOf(base)).toEqual({
      name: 'config',
      concurrency: 1,
      timeout: 300_000,
      resync: 36_000_000,
      retry: { first: 200, longest: 300_000 },
    });
  });

  test('keeps what is given', () => {
    const given = { concurrency: 4, timeout: 1000, resync: 2000, retry: { first: 1, longest: 2 } };
    expect(settingsOf({ ...base, ...given })).toEqual({ name: 'config', ...given });
  });

  test.each([
    [{ name: 'Config Maps' }, 'lower-case words'],
    [{ concurrency: 0 }, 'concurrency'],
    [{ concurrency: 1.5 }, 'concurrency'],
    [{ timeout: 0 }, 'timeout'],
    [{ resync: -1 }, 'resync'],
    [{ retry: { first: 10, longest: 5 } }, 'retry'],
    [{ finalizer: 'test/x' }, 'finalizer and cleanup go together'],
    [{ cleanup: async () => done() }, 'finalizer and cleanup go together'],
  ])('refuses %j', (wrong, message) => {
    expect(() => defineController({ ...base, ...wrong })).toThrow(
      expect.objectContaining({ code: 'K3S_CONTROLLER_DEFINITION', message: expect.stringContaining(message) }),
    );
  });
});

test('defineSourceController refuses the same', () => {
  const definition = { name: 'files', source: () => source, reconcile: async () => done() };
  expect(defineSourceController(definition)).toMatchObject({ type: 'source', name: 'files' });
  expect(() => defineSourceController({ ...definition, concurrency: -1 })).toThrow('concurrency');
});
