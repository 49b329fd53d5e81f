import { systemClock } from '../src/core/clock.ts';
import { median, metric, type Benchmark, type BenchmarkContext, type Table } from './benchmark.ts';
import type { BenchCluster } from './cluster/bench-cluster.ts';
import { measureStart, type StartTimes } from './cluster/measure-start.ts';
import { reboot } from './cluster/reboot.ts';
import { createContestants } from './contestants.ts';

const ROUNDS = 5;

/** Milliseconds that a cluster runs before it is stopped again. */
const SETTLE = 5_000;

const MILESTONES: readonly { key: keyof StartTimes; title: string; target: number }[] = [
  { key: 'api', title: 'API ready', target: 1.4 },
  { key: 'node', title: 'node Ready', target: 1.6 },
  { key: 'coredns', title: 'CoreDNS Available', target: 1.2 },
];

interface Contestant {
  readonly name: string;
  readonly cluster: BenchCluster;
  /** The first is that on an empty data directory. */
  readonly starts: StartTimes[];
}

export const coldStart: Benchmark = {
  name: 'cold-start',
  question: 'How long does a cluster take to come up on a machine that has just booted?',
  async run(context) {
    await using clusters = await createContestants(context);
    const ours: Contestant = { name: 'ours', cluster: clusters.ours, starts: [] };
    const stock: Contestant = { name: 'stock', cluster: clusters.stock, starts: [] };
    // Turn by turn, so that a busy hour of the host strikes both; never both at a time.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const contestant of [ours, stock]) await runOnce(contestant, context);
    }
    const middle = ({ starts }: Contestant, key: keyof StartTimes): number =>
      median(starts.slice(1).map((start) => start[key]));
    return {
      metrics: MILESTONES.map(({ key, target }) =>
        metric({ id: key, ours: seconds(middle(ours, key)), peer: seconds(middle(stock, key)), unit: 's', target }),
      ),
      tables: [startsTable([ours, stock])],
      notes: NOTES,
    };
  },
};

async function runOnce({ name, cluster, starts }: Contestant, { report, signal }: BenchmarkContext): Promise<void> {
  const first = starts.length === 0;
  const times = await measureStart(cluster, first ? { signal, onApiReady: () => cluster.install() } : { signal });
  starts.push(times);
  const shown = MILESTONES.map(({ key, title }) => `${title} ${seconds(times[key])} s`);
  report(`${name}, ${first ? 'first start' : `start ${starts.length - 1} of ${ROUNDS}`}: ${shown.join(', ')}`);
  await systemClock.sleep(SETTLE, signal);
  await cluster.stop();
  await reboot(cluster.machine);
}

function startsTable(contestants: readonly Contestant[]): Table {
  return {
    title: 'Every start, in seconds from its command',
    columns: ['start', ...MILESTONES.flatMap(({ title }) => contestants.map(({ name }) => `${title}, ${name}`))],
    rows: Array.from({ length: ROUNDS + 1 }, (_, round) => [
      round === 0 ? 'first, on an empty disk (not in the medians)' : `${round}`,
      ...MILESTONES.flatMap(({ key }) =>
        contestants.map(({ starts }) => {
          const start = starts[round];
          return start === undefined ? '' : seconds(start[key]).toFixed(2);
        }),
      ),
    ]),
  };
}

function seconds(milliseconds: number): number {
  return Number((milliseconds / 1000).toFixed(2));
}

const NOTES = [
  'Ours is `k3s server` from a checkout; stock is etcd, containerd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy and flannel, each a process of its own from the same binary, all started at once with the settings of kubeadm and GOGC=100.',
  'The numbers of the result are medians of the starts after the first. Before each one the cluster was stopped and the machine rebooted: no process, mount, interface or pod is left, the disk is.',
  'API ready: `/readyz` says ok to the administrator on port 6443. Node Ready: the kubelet of this start has reported it. CoreDNS Available: a CoreDNS container of this start is ready and the Deployment says Available.',
  'Both run in machines made of namespaces on the same host, one after the other, and are given the processors before anything else that runs there. Files are in the page cache.',
];
