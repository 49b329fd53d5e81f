import { HelmCharts, type HelmChart } from '../../crds/helm-chart.ts';
import type { SourceContext } from '../../framework/context.ts';
import { HelmEnded } from './helm-runner.ts';

/** In ms: how long helm may go on with what nobody wants any more. */
const LOOK_INTERVAL = 5_000;

/**
 * Runs `work`, and aborts it with HelmEnded once the HelmChart is not the one any more that it was begun for: a hook that never ends
 * must not keep its chart from being corrected or deleted.
 */
export async function whileWanted<T>(
  ctx: Pick<SourceContext<unknown>, 'clock' | 'signal' | 'readLive'>,
  chart: HelmChart,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { name = '', namespace = '', generation } = chart.metadata;
  const unwanted = new AbortController();
  const ended = new AbortController();
  const look = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await ctx.clock.sleep(LOOK_INTERVAL, ended.signal);
      const live = await ctx.readLive(HelmCharts, { namespace, name }).catch(() => chart);
      if (live?.metadata.generation === generation) continue;
      unwanted.abort(new HelmEnded(`HelmChart ${namespace}/${name} has changed meanwhile`));
      return;
    }
  };
  // Ends with `ended`, and an answer that does not come decides nothing.
  look().catch(() => {});
  try {
    return await work(AbortSignal.any([ctx.signal, unwanted.signal]));
  } finally {
    ended.abort();
  }
}
