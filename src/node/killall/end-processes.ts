import type { Clock } from '../../core/clock.ts';
import { systemErrorCode } from '../../core/errors.ts';
import type { ProcessFacts } from './processes.ts';

export interface EndingOptions {
  clock: Clock;
  /** The processes that there are now. */
  read(): Promise<readonly ProcessFacts[]>;
  /** `process.kill`: throws ESRCH for a process that has ended. */
  signal(processId: number, signal: NodeJS.Signals): void;
}

export interface Ended {
  processId: number;
  command: string;
  /** Whether it took SIGKILL. */
  forced: boolean;
}

const POLL = 50;

/** After SIGKILL only the kernel can keep a process: one that waits for a disk or a network file system. */
const KILL_PATIENCE = 5_000;

/**
 * Ends all processes that `select` finds: asks them with SIGTERM, waits up to `patience` ms (0: asks nobody), then kills what is
 * left, those that appeared meanwhile included. A child is asked only once its parent is gone: ending it is the parent's
 * business, as in a container. Returns what has ended; what even SIGKILL did not end within 5 s is missing.
 */
export async function endProcesses(
  select: (processes: readonly ProcessFacts[]) => readonly ProcessFacts[],
  patience: number,
  options: EndingOptions,
): Promise<Ended[]> {
  const { clock } = options;
  const met = new Map<string, Ended>();
  const asked = new Set<string>();
  const deadline = clock.monotonic() + patience;
  for (;;) {
    const there = select(await options.read());
    if (there.length === 0) return [...met.values()];
    const now = clock.monotonic();
    const force = now >= deadline;
    if (now >= deadline + KILL_PATIENCE) {
      const stuck = new Set(there.map(identityOf));
      return [...met].flatMap(([identity, ended]) => (stuck.has(identity) ? [] : [ended]));
    }
    const numbers = new Set(there.map((found) => found.processId));
    for (const found of there) {
      const identity = identityOf(found);
      met.set(identity, { processId: found.processId, command: found.args.join(' '), forced: force });
      if (!force && (asked.has(identity) || numbers.has(found.parent))) continue;
      asked.add(identity);
      send(options, found.processId, force ? 'SIGKILL' : 'SIGTERM');
    }
    await clock.sleep(POLL);
  }
}

function identityOf(found: ProcessFacts): string {
  return `${found.processId} ${found.startTime}`;
}

function send(options: EndingOptions, processId: number, signal: NodeJS.Signals): void {
  try {
    options.signal(processId, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
