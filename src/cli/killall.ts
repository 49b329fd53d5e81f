import { loadDataDir } from '../config/data-dir.ts';
import { systemClock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import { footprintOf } from '../node/killall/footprint.ts';
import { killall } from '../node/killall/killall.ts';
import { describeKillall } from '../node/killall/report.ts';

/** Stops the node of this machine, pods included. The exit status is 1 when something could not be removed. */
export async function run(args: readonly string[]): Promise<number> {
  const dataDir = await loadDataDir(args, process.env);
  if (process.geteuid?.() !== 0) {
    throw new K3sError('K3S_HOST_NOT_ROOT', 'k3s killall has to run as root: the pods and networks that it ends are', {
      hint: 'Run it with sudo.',
    });
  }
  const report = await killall(footprintOf(dataDir, process.execPath), systemClock);
  process.stdout.write(`${describeKillall(report).join('\n')}\n`);
  return report.problems.length === 0 ? 0 : 1;
}
