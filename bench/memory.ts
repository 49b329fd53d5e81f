import { systemClock } from '../src/core/clock.ts';
import { median, metric, type Benchmark, type BenchmarkContext, type Table } from './benchmark.ts';
import type { BenchCluster } from './cluster/bench-cluster.ts';
import { measureStart } from './cluster/measure-start.ts';
import { processMemory, type ProcessMemory } from './cluster/process-memory.ts';
import { reboot } from './cluster/reboot.ts';
import { createContestants } from './contestants.ts';

/** Milliseconds between the end of the start and the first sample. */
const SETTLE = 60_000;

const SAMPLES = 5;
const SAMPLE_INTERVAL = 15_000;

export const memory: Benchmark = {
  name: 'memory',
  question: 'How much memory do the processes of an idle cluster take?',
  async run(context) {
    await using clusters = await createContestants(context);
    const { ours, stock } = clusters;
    for (const cluster of [ours, stock]) await startTwice(cluster, context);
    context.report(`both are up; idle for ${SETTLE / 1000} s`);
    await systemClock.sleep(SETTLE, context.signal);
    const samples: { ours: readonly ProcessMemory[]; stock: readonly ProcessMemory[] }[] = [];
    for (let sample = 1; sample <= SAMPLES; sample++) {
      samples.push({ ours: await processMemory(ours.machine), stock: await processMemory(stock.machine) });
      const [sumOfOurs, sumOfStock] = (['ours', 'stock'] as const).map((side) => sum(samples.at(-1)?.[side] ?? []));
      context.report(`sample ${sample} of ${SAMPLES}: ours ${sumOfOurs} MB, stock ${sumOfStock} MB`);
      if (sample < SAMPLES) await systemClock.sleep(SAMPLE_INTERVAL, context.signal);
    }
    const middle = {
      ours: medians(samples.map((sample) => sample.ours)),
      stock: medians(samples.map((sample) => sample.stock)),
    };
    return {
      metrics: [metric({ id: 'pss', ours: sum(middle.ours), peer: sum(middle.stock), unit: 'MB', target: 0.5 })],
      tables: [processTable('Ours', middle.ours), processTable('Stock', middle.stock)],
      notes: NOTES,
    };
  },
};

/** What only a first start does, such as importing images, is not in the memory of a server that has booted. */
async function startTwice(cluster: BenchCluster, { report, signal }: BenchmarkContext): Promise<void> {
  await measureStart(cluster, { signal, onApiReady: () => cluster.install() });
  await cluster.stop();
  await reboot(cluster.machine);
  const { coredns } = await measureStart(cluster, { signal });
  report(`a cluster is up after ${(coredns / 1000).toFixed(1)} s`);
}

/** Name by name over all samples: one process may be in the middle of a garbage collection in any of them. */
function medians(samples: readonly (readonly ProcessMemory[])[]): readonly ProcessMemory[] {
  const names = [...new Set(samples.flat().map(({ name }) => name))];
  return names.map((name) => {
    const found = samples.flat().filter((process) => process.name === name);
    return {
      name,
      count: median(found.map(({ count }) => count)),
      pss: median(found.map(({ pss }) => pss)),
      anonymous: median(found.map(({ anonymous }) => anonymous)),
    };
  });
}

function sum(processes: readonly ProcessMemory[], key: 'pss' | 'anonymous' = 'pss'): number {
  return Math.round(processes.reduce((total, process) => total + process[key], 0));
}

function processTable(title: string, processes: readonly ProcessMemory[]): Table {
  return {
    title: `${title}, in MB`,
    columns: ['process', 'PSS', 'of it anonymous'],
    rows: [
      ...processes.map(({ name, count, pss, anonymous }) => [
        count > 1 ? `${name} × ${count}` : name,
        pss.toFixed(1),
        anonymous.toFixed(1),
      ]),
      ['sum', String(sum(processes)), String(sum(processes, 'anonymous'))],
    ],
  };
}

const NOTES = [
  'PSS (proportional set size) of `/proc/PID/smaps_rollup`: pages that several processes share count in equal parts. Each side runs from copies of its own of the programs (Node included), so nothing is shared with anything outside. The part that is not anonymous is pages of the programs, which the kernel may drop.',
  `Both clusters had been stopped and rebooted once, then started and left idle for ${SETTLE / 1000} s; the numbers are medians of ${SAMPLES} samples, ${SAMPLE_INTERVAL / 1000} s apart.`,
  'Stock is etcd, containerd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy and flannel, each a process of its own from the same binary, with the settings of kubeadm, GOGC=100 and its two replicas of CoreDNS. Ours has one.',
];
