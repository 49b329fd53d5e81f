import type { KillallReport } from './killall.ts';

/** The report as lines for a terminal. */
export function describeKillall(report: KillallReport): string[] {
  const forced = report.processes.filter((ended) => ended.forced).length;
  const lines = [
    count(report.processes.length, 'process', 'es', forced === 0 ? 'ended' : `ended, ${forced} of them killed`),
    count(report.mounts.length, 'mount', 's', 'unmounted'),
    list('interfaces deleted', report.interfaces),
    list('packet rules removed', report.packetRules),
    count(report.cgroups, 'cgroup', 's', 'removed'),
    list('files removed', report.files),
  ].filter((line) => line !== '');
  const done = lines.length === 0 ? ['nothing of this node was running or left behind'] : lines;
  return [...done, ...report.problems.map((problem) => `could not be removed: ${problem}`)];
}

function count(number: number, noun: string, plural: string, what: string): string {
  return number === 0 ? '' : `${number} ${noun}${number === 1 ? '' : plural} ${what}`;
}

function list(what: string, names: readonly string[]): string {
  return names.length === 0 ? '' : `${what}: ${names.join(', ')}`;
}
