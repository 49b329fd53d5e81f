import type { Cause } from './cause.ts';
import { settingsOf, type SourceControllerDefinition } from './controller.ts';
import { follow } from './follow.ts';
import { backOff, type RetryPolicy } from './retry-policy.ts';
import { RunContext } from './run-context.ts';
import type { Source } from './source.ts';
import { connectSources, enqueueTarget } from './sources.ts';
import type { Work, WorkHost } from './work.ts';

/** The work of a controller whose keys come from a source of its own. */
export function sourceWork<Deps>(definition: SourceControllerDefinition<unknown, Deps>, deps: Deps): Work {
  const settings = settingsOf(definition);
  let source: Source<unknown> | undefined;
  return {
    ...settings,
    async open(host) {
      const opened = definition.source(deps);
      source = opened;
      const lister = new Lister(opened, settings.retry, host);
      const listAll = (cause: Cause): void => lister.list(cause);
      const changed: Cause = { source: opened.name, change: 'triggered' };
      follow(opened.name, opened.changes$, (key) => enqueueTarget(key, changed, host, listAll), host.scope, host);
      connectSources(definition, deps, host, listAll);
      lister.list({ source: opened.name, change: 'listed' });
    },
    async run(run) {
      const context = new RunContext(definition.name, run, deps);
      const state = await source?.read(run.key);
      if (state !== undefined) return definition.reconcile(context, state);
      const outcome = await definition.gone?.(context);
      return outcome === undefined || outcome.type === 'done' ? 'gone' : outcome;
    },
  };
}

/** Queues what a source lists, one listing at a time; requests that come during one are answered by the next. */
class Lister {
  readonly #source: Source<unknown>;
  readonly #retry: RetryPolicy;
  readonly #host: WorkHost;
  #wanted: Cause | undefined;
  #listing = false;

  constructor(source: Source<unknown>, retry: RetryPolicy, host: WorkHost) {
    this.#source = source;
    this.#retry = retry;
    this.#host = host;
  }

  list(cause: Cause): void {
    this.#wanted = cause;
    if (!this.#listing) void this.#run();
  }

  async #run(): Promise<void> {
    const { log, clock, random, scope } = this.#host;
    this.#listing = true;
    for (let failures = 0; this.#wanted !== undefined && !scope.signal.aborted; ) {
      const cause = this.#wanted;
      this.#wanted = undefined;
      try {
        const keys = await this.#source.list();
        failures = 0;
        // Those that are known and not listed may have vanished: reading them tells.
        for (const key of new Set([...keys, ...this.#host.knownKeys()])) this.#host.enqueue(key, cause, 'low');
      } catch (error) {
        this.#wanted ??= cause;
        const wait = backOff(this.#retry, ++failures, random);
        log.warn('a source could not be listed and is asked again', { source: this.#source.name, error, wait });
        await clock.sleep(wait, scope.signal).catch(() => {});
      }
    }
    this.#listing = false;
  }
}
