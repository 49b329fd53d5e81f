import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import type { Scope } from '../core/scope.ts';

/**
 * One step of a start. `run` begins as soon as every step named in `needs` has ended well; what it opens goes into the scope
 * and is closed in reverse order. The result is what dependants read through `results`.
 */
export interface StartStep {
  readonly name: string;
  readonly needs?: readonly string[];
  /** What a person reads while it runs: `kube-apiserver`. */
  readonly title: string;
  run(scope: Scope): Promise<void>;
}

export type StartEvent =
  | { type: 'started'; step: StartStep }
  | { type: 'finished'; step: StartStep; took: number }
  | { type: 'failed'; step: StartStep; took: number; error: unknown };

export interface StartOptions {
  clock: Clock;
  scope: Scope;
  report: (event: StartEvent) => void;
}

/**
 * Runs every step as early as its needs allow. The first failure aborts the scope, waits for the steps under way to notice,
 * and is thrown. Aborting the scope from outside ends the start the same way.
 */
export async function runStartGraph(steps: readonly StartStep[], options: StartOptions): Promise<void> {
  const waves = new Map<string, Promise<void>>();
  const stop = new AbortController();
  let firstFailure: { error: unknown } | undefined;

  const runStep = async (step: StartStep): Promise<void> => {
    await Promise.all((step.needs ?? []).map((need) => waves.get(need)));
    if (stop.signal.aborted || options.scope.signal.aborted) return;
    const began = options.clock.monotonic();
    options.report({ type: 'started', step });
    try {
      await step.run(options.scope);
      options.report({ type: 'finished', step, took: options.clock.monotonic() - began });
    } catch (error) {
      if (firstFailure === undefined && !options.scope.signal.aborted) {
        firstFailure = { error };
        options.report({ type: 'failed', step, took: options.clock.monotonic() - began, error });
      }
      stop.abort();
      throw error;
    }
  };

  for (const step of inOrder(steps)) {
    const running = runStep(step);
    running.catch(() => undefined);
    waves.set(step.name, running);
  }
  const ends = Promise.allSettled(waves.values());
  const failure = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }));
  const aborted = new Promise<void>((resolve) => {
    if (options.scope.signal.aborted) resolve();
    else options.scope.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([ends, failure, aborted]);
  if (firstFailure !== undefined) throw firstFailure.error;
  options.scope.signal.throwIfAborted();
}

/** The steps with each one behind its needs; refuses unknown names and circles, which are mistakes of this program. */
export function inOrder(steps: readonly StartStep[]): StartStep[] {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const ordered: StartStep[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (step: StartStep, path: readonly string[]): void => {
    if (state.get(step.name) === 'done') return;
    if (state.get(step.name) === 'open') {
      throw new K3sError('K3S_START_ORDER', `start steps wait for each other: ${[...path, step.name].join(' → ')}`);
    }
    state.set(step.name, 'open');
    for (const need of step.needs ?? []) {
      const found = byName.get(need);
      if (found === undefined) throw new K3sError('K3S_START_ORDER', `start step ${step.name} needs ${need}, which does not exist`);
      visit(found, [...path, step.name]);
    }
    state.set(step.name, 'done');
    ordered.push(step);
  };
  for (const step of steps) visit(step, []);
  return ordered;
}
