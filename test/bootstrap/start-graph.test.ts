import { describe, expect, test } from 'vitest';
import { inOrder, runStartGraph, type StartEvent, type StartStep } from '../../src/bootstrap/start-graph.ts';
import { Scope } from '../../src/core/scope.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';

function make(...steps: (Pick<StartStep, 'name'> & Partial<StartStep>)[]): StartStep[] {
  return steps.map((step) => ({ title: step.name, run: () => Promise.resolve(), ...step }));
}

describe('runStartGraph', () => {
  test('runs what does not depend on each other at once, and a step only behind its needs', async () => {
    const clock = new VirtualClock(0);
    const events: string[] = [];
    const report = (event: StartEvent): void => void events.push(`${clock.now()} ${event.type} ${event.step.name}`);
    const steps = make(
      { name: 'node', needs: ['containerd', 'api'], run: () => clock.sleep(1) },
      { name: 'containerd', run: () => clock.sleep(10) },
      { name: 'api', run: () => clock.sleep(30) },
    );
    await using scope = new Scope();
    const running = runStartGraph(steps, { clock, scope, report });
    await clock.advance(100);
    await running;
    expect(events).toEqual([
      '0 started containerd',
      '0 started api',
      '10 finished containerd',
      '30 finished api',
      '30 started node',
      '31 finished node',
    ]);
  });

  test('throws the first failure and starts nothing that depends on it', async () => {
    const started: string[] = [];
    const steps = make(
      { name: 'datastore', run: () => Promise.reject(new Error('disk full')) },
      { name: 'api', needs: ['datastore'], run: async () => void started.push('api') },
    );
    await using scope = new Scope();
    const running = runStartGraph(steps, { clock: new VirtualClock(), scope, report: () => undefined });
    await expect(running).rejects.toThrow('disk full');
    expect(started).toEqual([]);
  });

  test('ends with the reason of the scope when that is aborted in the middle', async () => {
    const parent = new AbortController();
    await using scope = new Scope(parent.signal);
    const steps = make({ name: 'api', run: (within) => new VirtualClock().sleep(1000, within.signal) });
    const running = runStartGraph(steps, { clock: new VirtualClock(), scope, report: () => undefined });
    parent.abort(new Error('SIGTERM'));
    await expect(running).rejects.toThrow('SIGTERM');
  });
});

describe('inOrder', () => {
  test('refuses steps that wait for each other, naming the circle', () => {
    expect(() => inOrder(make({ name: 'a', needs: ['b'] }, { name: 'b', needs: ['a'] }))).toThrow('a → b → a');
  });

  test('refuses a need that no step has', () => {
    expect(() => inOrder(make({ name: 'a', needs: ['b'] }))).toThrow('a needs b');
  });
});
