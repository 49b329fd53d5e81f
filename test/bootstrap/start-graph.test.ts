import { describe, expect, test } from 'vitest';
import { StartGraph, type StartEvent } from '../../src/bootstrap/start-graph.ts';
import { Scope } from '../../src/core/scope.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';

function make() {
  const clock = new VirtualClock(0);
  const events: string[] = [];
  const report = (event: StartEvent): void => void events.push(`${clock.now()} ${event.type} ${event.step.title}`);
  return { clock, events, report, graph: new StartGraph() };
}

describe('StartGraph', () => {
  test('runs what does not depend on each other at once, and a step only behind its needs', async () => {
    const { clock, events, report, graph } = make();
    const containerd = graph.step('containerd', [], (scope) => clock.sleep(10, scope.signal));
    const api = graph.step('api', [], (scope) => clock.sleep(30, scope.signal));
    graph.step('node', [containerd, api], () => clock.sleep(1));
    await using scope = new Scope();
    const running = graph.run({ clock, scope, report });
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

  test('hands each step the results of its needs', async () => {
    const { clock, report, graph } = make();
    const port = graph.step('port', [], () => Promise.resolve(6443));
    const host = graph.step('host', [], () => Promise.resolve('localhost'));
    let seen = '';
    graph.step('url', [host, port], async (_scope, name, number) => void (seen = `https://${name}:${number}`));
    await using scope = new Scope();
    await graph.run({ clock, scope, report });
    expect(seen).toBe('https://localhost:6443');
  });

  test('throws the first failure and starts nothing that depends on it', async () => {
    const { clock, events, report, graph } = make();
    const datastore = graph.step('datastore', [], () => Promise.reject(new Error('disk full')));
    graph.step('api', [datastore], () => Promise.resolve());
    await using scope = new Scope();
    await expect(graph.run({ clock, scope, report })).rejects.toThrow('disk full');
    expect(events).toEqual(['0 started datastore', '0 failed datastore']);
  });

  test('ends with the reason of the scope when that is aborted in the middle', async () => {
    const { clock, events, report, graph } = make();
    const parent = new AbortController();
    await using scope = new Scope(parent.signal);
    graph.step('api', [], (within) => clock.sleep(1000, within.signal));
    const running = graph.run({ clock, scope, report });
    parent.abort(new Error('SIGTERM'));
    await expect(running).rejects.toThrow('SIGTERM');
    expect(events).toEqual(['0 started api']);
  });
});
