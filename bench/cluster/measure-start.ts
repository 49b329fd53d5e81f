import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { systemClock } from '../../src/core/clock.ts';
import { K3sError } from '../../src/core/errors.ts';
import { NODE_NAME, type BenchCluster } from './bench-cluster.ts';

/** Milliseconds from the start of the command to each milestone. */
export interface StartTimes {
  /** `/readyz` says ok to the administrator. */
  readonly api: number;
  /** The kubelet of this start has said that the node is Ready. */
  readonly node: number;
  /** A CoreDNS container of this start is ready, and the Deployment Available. */
  readonly coredns: number;
}

/** After this, a start has failed. */
const LONGEST = 180_000;

export interface MeasureOptions {
  readonly signal: AbortSignal;
  /** Run when the API server is ready, without being waited for by the milestones. */
  readonly onApiReady?: () => Promise<void>;
}

/** Starts the cluster and waits until CoreDNS is available. Rejects with K3S_BENCH_START when the start takes too long or fails. */
export async function measureStart(cluster: BenchCluster, { signal, onApiReady }: MeasureOptions): Promise<StartTimes> {
  const ended = new AbortController();
  const giveUp = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(LONGEST)]);
  const script = join(import.meta.dirname, 'milestones.ts');
  const flags = '--disable-warning=ExperimentalWarning';
  const now = String(systemClock.now());
  const watcher = await cluster.machine.spawn(['node', flags, script, cluster.kubeconfig, NODE_NAME, now]);
  giveUp.addEventListener('abort', () => void watcher.kill('SIGKILL'), { once: true });
  const times: Partial<Record<string, number>> = {};
  let began = 0;
  let installed: Promise<void> | undefined;
  for await (const milestone of createInterface({ input: watcher.stdout })) {
    if (milestone === 'watching') {
      began = systemClock.monotonic();
      const command = await cluster.start();
      void command.exited.then(() => ended.abort());
      continue;
    }
    times[milestone] = systemClock.monotonic() - began;
    if (milestone === 'api') installed = onApiReady?.();
  }
  await installed;
  signal.throwIfAborted();
  const { api, node, coredns } = times;
  if (api !== undefined && node !== undefined && coredns !== undefined) return { api, node, coredns };
  const what = ended.signal.aborted ? 'ended' : `was not up after ${LONGEST / 1000} s`;
  const reached = Object.keys(times).join(', ') || 'nothing';
  throw new K3sError('K3S_BENCH_START', `a cluster ${what}; it had reached: ${reached}`, {
    hint: `The last lines of its log: ${await cluster.machine.run('tail -n 3 /var/log/*.out /var/log/*/*.log 2>/dev/null || true')}`,
  });
}
