import type { Clock } from '../core/clock.ts';
import type { Scope } from '../core/scope.ts';

/** One step of a start; `T` is what its dependants get. Made by `StartGraph.step`. */
export interface StartStep<T = unknown> {
  /** What a person reads while it runs: `kube-apiserver`. */
  readonly title: string;
  readonly needs: readonly StartStep[];
  /** Carries the type of the step's result; never set. */
  readonly result?: T;
}

/** The results of `Needs`, in order. */
type ResultsOf<Needs extends readonly StartStep[]> = {
  [Index in keyof Needs]: Needs[Index] extends StartStep<infer T> ? T : never;
};

export type StartEvent =
  | { type: 'started'; step: StartStep }
  | { type: 'finished'; step: StartStep; took: number }
  | { type: 'failed'; step: StartStep; took: number; error: unknown };

export interface StartOptions {
  clock: Clock;
  scope: Scope;
  report: (event: StartEvent) => void;
}

type Run = (scope: Scope, results: readonly unknown[]) => Promise<unknown>;

/**
 * The order of a start: steps and what each one needs. A step can only need steps that were declared before it, so there are
 * no circles. What a step opens goes into the scope, which closes it in reverse order: a step's own things before its needs'.
 */
export class StartGraph {
  readonly #steps = new Map<StartStep, Run>();

  /** Declares a step. `run` gets the results of its needs. */
  step<const Needs extends readonly StartStep[], T>(
    title: string,
    needs: Needs,
    run: (scope: Scope, ...results: ResultsOf<Needs>) => Promise<T>,
  ): StartStep<T> {
    const step: StartStep<T> = { title, needs };
    // The results are those of `needs`, in their order.
    this.#steps.set(step, (scope, results) => run(scope, ...(results as ResultsOf<Needs>)));
    return step;
  }

  /**
   * Runs every step as early as its needs allow. Rejects with the first failure, or with the reason of the scope's signal when
   * that aborts; steps still under way are not waited for: they see the signal when the caller closes the scope.
   */
  async run({ clock, scope, report }: StartOptions): Promise<void> {
    const results = new Map<StartStep, Promise<unknown>>();
    const failed = Promise.withResolvers<never>();
    let over = false;
    const fail = (error: unknown): void => {
      over = true;
      failed.reject(error);
    };
    const onAbort = (): void => fail(scope.signal.reason);
    scope.signal.throwIfAborted();
    scope.signal.addEventListener('abort', onAbort, { once: true });

    const runStep = async (step: StartStep, run: Run): Promise<unknown> => {
      const needed = await Promise.all(
        step.needs.map((need) => results.get(need) ?? Promise.reject(new TypeError(`no step ${need.title}`))),
      );
      const began = clock.monotonic();
      report({ type: 'started', step });
      try {
        const result = await run(scope, needed);
        if (!over) report({ type: 'finished', step, took: clock.monotonic() - began });
        return result;
      } catch (error) {
        if (!over) report({ type: 'failed', step, took: clock.monotonic() - began, error });
        fail(error);
        throw error;
      }
    };
    for (const [step, run] of this.#steps) {
      const running = runStep(step, run);
      // Its failure is reported through `failed`.
      running.catch(() => undefined);
      results.set(step, running);
    }
    try {
      await Promise.race([Promise.all(results.values()), failed.promise]);
    } finally {
      scope.signal.removeEventListener('abort', onAbort);
    }
  }
}
