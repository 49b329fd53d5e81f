import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { endProcesses, type EndingOptions } from '../../../src/node/killall/end-processes.ts';
import type { ProcessFacts } from '../../../src/node/killall/processes.ts';

/** Processes that end when `behaviour` says so after a signal. */
function machine(
  behaviour: Record<number, (signal: string, at: number) => boolean>,
  parents: Record<number, number> = {},
) {
  const clock = new VirtualClock();
  const alive = new Map(
    Object.keys(behaviour).map((name): [number, ProcessFacts] => {
      const processId = Number(name);
      const facts = {
        processId,
        parent: parents[processId] ?? 1,
        startTime: 's',
        executable: '/x',
        args: [`p${name}`],
      };
      return [processId, { ...facts, groups: [], mountNamespace: 'm' }];
    }),
  );
  const sent: string[] = [];
  const options: EndingOptions = {
    clock,
    read: () => Promise.resolve([...alive.values()]),
    signal(processId, signal) {
      if (!alive.has(processId)) throw Object.assign(new Error('gone'), { code: 'ESRCH' });
      sent.push(`${clock.monotonic()} ${signal} ${processId}`);
      if (behaviour[processId]?.(signal, clock.monotonic()) === true) alive.delete(processId);
    },
  };
  return { clock, alive, sent, options };
}

const polite = (): boolean => true;
const stubborn = (signal: string): boolean => signal === 'SIGKILL';
const immortal = (): boolean => false;

describe('endProcesses', () => {
  test('asks once, and is done when everybody has ended', async () => {
    const { clock, sent, options } = machine({ 5: polite, 6: polite });
    const ending = endProcesses((all) => all, 10_000, options);
    await clock.advance(100);
    expect(await ending).toEqual([
      { processId: 5, command: 'p5', forced: false },
      { processId: 6, command: 'p6', forced: false },
    ]);
    expect(sent).toEqual(['0 SIGTERM 5', '0 SIGTERM 6']);
  });

  test('kills what has not ended when the patience is over', async () => {
    const { clock, sent, options } = machine({ 5: stubborn });
    const ending = endProcesses((all) => all, 1_000, options);
    await clock.advance(2_000);
    expect(await ending).toEqual([{ processId: 5, command: 'p5', forced: true }]);
    expect(sent).toEqual(['0 SIGTERM 5', '1000 SIGKILL 5']);
  });

  test('kills at once when there is no patience', async () => {
    const { clock, sent, options } = machine({ 5: stubborn });
    const ending = endProcesses((all) => all, 0, options);
    await clock.advance(100);
    await ending;
    expect(sent).toEqual(['0 SIGKILL 5']);
  });

  test('leaves a child to its parent, and asks it when the parent has ended without it', async () => {
    const { clock, sent, options } = machine({ 5: polite, 6: polite }, { 6: 5 });
    const ending = endProcesses((all) => all, 10_000, options);
    await clock.advance(100);
    await ending;
    expect(sent).toEqual(['0 SIGTERM 5', '50 SIGTERM 6']);
  });

  test('gives up on what even the kernel cannot end, and does not count it as ended', async () => {
    const { clock, options } = machine({ 5: immortal, 6: polite });
    const ending = endProcesses((all) => all, 1_000, options);
    await clock.advance(7_000);
    expect((await ending).map(({ processId }) => processId)).toEqual([6]);
  });

  test('a process that ends between looking and signalling is no error', async () => {
    const { clock, alive, options } = machine({ 5: polite });
    const ending = endProcesses(
      (all) => {
        alive.delete(5);
        return all;
      },
      1_000,
      options,
    );
    await clock.advance(100);
    expect(await ending).toHaveLength(1);
  });
});
