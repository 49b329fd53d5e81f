import { silentLogger, type Logger } from '../../core/log.ts';
import { seededRandom } from '../../core/random.ts';
import { settle, VirtualClock } from '../../core/testing/virtual-clock.ts';
import type { KubernetesObject } from '../../cluster/object.ts';
import { apiVersionOf, type Resource } from '../../cluster/resource.ts';
import { describeCause } from '../cause.ts';
import type { Controller } from '../controller.ts';
import { createManager, type Manager } from '../manager.ts';
import type { Explanation, ReconcileRecord } from '../reconcile-record.ts';
import { FakeCluster } from './fake-cluster.ts';
import { transcriptOf, type TranscriptOptions } from './fake/transcript.ts';

/** `deps` may be left out for a controller that has none. */
export type HarnessOptions<Deps> = Surroundings & (undefined extends Deps ? { deps?: Deps } : { deps: Deps });

interface Surroundings {
  /** The time at which it begins. Default 2026-01-01T00:00:00Z. */
  at?: string | number;
  /** What is in the cluster from the start. */
  objects?: readonly KubernetesObject[];
  /** Kinds that the cluster serves without a definition. The controller's own primary kind need not be named. */
  kinds?: readonly Resource[];
  /** Of the jitter, and of names that the cluster makes up. Default 1. */
  seed?: number;
  /** Default: silence. */
  log?: Logger;
}

/** More runs of one key at one instant mean that the controller and the cluster keep each other busy. */
const MOST_RUNS = 100;
const WRITES = ['create', 'replace', 'apply', 'patch', 'delete'] as const;

/** Runs one controller against a cluster in memory, in virtual time. Dispose it to stop the controller. */
export async function harness<Deps>(controller: Controller<Deps>, options: HarnessOptions<Deps>): Promise<Harness> {
  const clock = new VirtualClock(options.at);
  const seed = options.seed ?? 1;
  const cluster = new FakeCluster({ clock, random: seededRandom(seed) });
  const primary = controller.type === 'resource' ? [controller.definition.for] : [];
  for (const resource of [...primary, ...(options.kinds ?? [])]) {
    const served = await cluster.resourceFor(apiVersionOf(resource), resource.kind);
    if (served === undefined) cluster.declare(resource);
  }
  cluster.load(...(options.objects ?? []));
  const manager = createManager({
    client: cluster,
    clock,
    random: seededRandom(seed + 1),
    log: options.log ?? silentLogger,
    instance: 'test',
  });
  manager.add(controller, options.deps as Deps);
  const running = new Harness(controller.name, clock, cluster, manager);
  try {
    await running.settle();
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;
}

export class Harness implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly cluster: FakeCluster;
  /** For adding controllers that belong together. */
  readonly manager: Manager;
  /** Every run so far. */
  readonly records: ReconcileRecord[] = [];
  readonly #controller: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #instant = 0;
  readonly #runsNow = new Map<string, number>();
  /** How many calls the cluster had answered when each record was made. */
  readonly #positions: number[] = [];

  constructor(controller: string, clock: VirtualClock, cluster: FakeCluster, manager: Manager) {
    this.#controller = controller;
    this.clock = clock;
    this.cluster = cluster;
    this.manager = manager;
    manager.outcomes$.subscribe((record) => {
      this.records.push(record);
      if (clock.monotonic() !== this.#instant) this.#runsNow.clear();
      this.#instant = clock.monotonic();
      const run = `${record.controller} ${record.key}`;
      this.#runsNow.set(run, (this.#runsNow.get(run) ?? 0) + 1);
      this.#positions.push(cluster.calls.length);
    });
    this.#running = manager.run(this.#stop.signal);
  }

  /** Lets everything happen that needs no time to pass. */
  async settle(): Promise<void> {
    for (let quiet = 0, before = ''; quiet < 2; ) {
      await settle();
      for (const [key, runs] of this.#runsNow) {
        if (runs > MOST_RUNS)
          throw new Error(`${key} does not come to rest; lately:\n${this.transcript().slice(-2000)}`);
      }
      const now = `${this.cluster.calls.length} ${this.cluster.pending} ${this.records.length}`;
      quiet = now === before ? quiet + 1 : 0;
      before = now;
    }
  }

  /** Lets `duration` ms pass, with everything that falls due on the way. */
  async advance(duration: number): Promise<void> {
    await this.settle();
    await this.clock.advance(duration);
    await this.settle();
  }

  explain(key: string): Explanation | undefined {
    return this.manager.explain(this.#controller, key);
  }

  /** The writes to the cluster and the ends of runs, as text for golden files. */
  transcript(options: TranscriptOptions = { verbs: WRITES }): string {
    const { calls } = this.cluster;
    let text = '';
    let position = 0;
    this.records.forEach((record, index) => {
      const next = this.#positions[index] ?? 0;
      text += transcriptOf(calls.slice(position, next), options) + this.#line(record);
      position = next;
    });
    return text + transcriptOf(calls.slice(position), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // Runs that wait for a time to come have until then to end.
    await this.clock.advance(60_000);
    await this.#running;
  }

  #line({ controller, key, result, causes, at, took }: ReconcileRecord): string {
    const start = this.clock.now() - this.clock.monotonic();
    const seconds = ((at + took - start) / 1000).toFixed(3).padStart(10);
    const detail = result.type === 'failed' ? ` ${result.code}` : 'reason' in result ? ` ${result.reason}` : '';
    return `${seconds}s  ${controller} ${key} -> ${result.type}${detail} (${causes.map(describeCause).join(', ')})\n`;
  }
}
