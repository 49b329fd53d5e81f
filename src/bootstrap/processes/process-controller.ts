import { isDeepStrictEqual } from 'node:util';
import { done } from '../../framework/outcome.ts';
import { RetryableError } from '../../framework/outcome.ts';
import { defineSourceController } from '../../framework/controller.ts';
import { type Child, describeExit, type ProcessExit } from './child.ts';
import type { ProcessTable } from './process-table.ts';

/** A start has succeeded when the process has lived this long (ms); an earlier end counts as a failure and lets the back-off grow. */
const STABLE_AFTER = 10_000;

/**
 * Keeps every desired process running. A key is a process name; a run that starts a process ends when that has proven stable,
 * so the queue's back-off is the restart back-off: at once after a long life, growing in a crash loop.
 */
export const processController = defineSourceController<ReturnType<ProcessTable['read']> & {}, ProcessTable>({
  name: 'process',
  source: (table) => table.source,
  concurrency: 16,
  retry: { first: 200, longest: 30_000 },
  async reconcile(ctx, { definition, child }) {
    const table = ctx.deps;
    if (table.stopping.aborted) return done();
    if (child?.running === true) {
      if (isDeepStrictEqual(child.definition, definition)) return done();
      ctx.log.info('restarting the process: its definition has changed');
      await child.stop();
    } else if (child !== undefined && ctx.attempt === 0) {
      ctx.log.warn('the process has ended', { exit: describeExit(await child.exited) });
    }
    const started = await table.start(definition);
    ctx.log.info('started', { pid: started.pid });
    const exit = await untilStable(
      started,
      ctx.clock.sleep(STABLE_AFTER, AbortSignal.any([ctx.signal, table.stopping])),
    );
    if (exit !== undefined && !table.stopping.aborted) throw endedEarly(started, exit);
    table.watch(started);
    return done();
  },
});

/** The early exit, or undefined when the process outlived the wait or the wait was called off. */
async function untilStable(child: Child, wait: Promise<void>): Promise<ProcessExit | undefined> {
  const over = wait.then(
    () => undefined,
    () => undefined,
  );
  return await Promise.race([child.exited, over]);
}

function endedEarly({ definition, lastLine }: Child, exit: ProcessExit): RetryableError {
  const said = lastLine === '' ? '' : `: ${lastLine}`;
  return new RetryableError(
    'K3S_PROCESS_EXITED',
    `${definition.name} ended shortly after its start, ${describeExit(exit)}${said}`,
    {
      hint: `Its output is in ${definition.logFile}.`,
      fields: { process: definition.name, ...exit },
    },
  );
}
