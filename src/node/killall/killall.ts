import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { CNI_NETWORK_NAME } from '../cni-config.ts';
import { runCommand } from '../run-command.ts';
import { classify, type ClusterProcesses, type Seen } from './classify.ts';
import { readContainers, type ContainerFacts } from './containers.ts';
import { endProcesses, type Ended, type EndingOptions } from './end-processes.ts';
import type { Footprint } from './footprint.ts';
import { cgroupHierarchies, groupsToRemove, readGroups, removeGroups } from './groups.ts';
import { clusterInterfaces } from './interfaces.ts';
import { clusterMounts } from './mounts.ts';
import { iptablesRemoval, nftablesToDelete } from './packet-rules.ts';
import { readProcesses } from './processes.ts';

/** What was removed, for people to read. */
export interface KillallReport {
  processes: Ended[];
  mounts: string[];
  interfaces: string[];
  /** nftables tables as `family name`, and `iptables` or `ip6tables` where rules were taken out. */
  packetRules: string[];
  cgroups: number;
  files: string[];
  /** What could not be removed, and why. Empty: nothing is left. */
  problems: string[];
}

/** How long each kind of process is given to end by itself, in ms. The supervisor ends its own children within 15 s. */
const PATIENCE: Readonly<Record<keyof ClusterProcesses, number>> = {
  supervisors: 20_000,
  components: 10_000,
  containers: 10_000,
  containerd: 5_000,
  shims: 0,
};

/**
 * Takes a node down with its pods and removes what they left on the machine: mounts, network namespaces and interfaces, packet
 * rules, cgroups, and the files that would not survive a reboot either. Data stays. Safe to repeat, and to run on what a crash
 * has left. Must run as root, in the mount, network and process namespaces of the node.
 */
export async function killall(footprint: Footprint, clock: Clock): Promise<KillallReport> {
  const report: KillallReport = {
    processes: [],
    mounts: [],
    interfaces: [],
    packetRules: [],
    cgroups: 0,
    files: [],
    problems: [],
  };
  const attempt = async (what: string, step: () => Promise<void>): Promise<void> => {
    await step().catch((error: unknown) => report.problems.push(`${what}: ${describeError(error)}`));
  };
  const containers = await readContainers(footprint);
  await endAll(footprint, containers, clock, report);
  await attempt('mounts', () => unmountAll(footprint, report));
  // Rules and interfaces carry no mark of their cluster; a data directory that no node ever used claims none of them.
  if (existsSync(join(footprint.dataDirectory, 'agent'))) {
    await attempt('network interfaces', () => deleteInterfaces(report));
    for (const command of ['iptables', 'ip6tables']) {
      await attempt(`${command} rules`, () => removeIptablesRules(command, report));
    }
    await attempt('nftables', () => deleteNftables(report));
  }
  await attempt('cgroups', () => deleteGroups(containers, report));
  await attempt('files', () => removeFiles(footprint, containers, report));
  return report;
}

async function endAll(
  footprint: Footprint,
  containers: ContainerFacts,
  clock: Clock,
  report: KillallReport,
): Promise<void> {
  const ids = new Set(containers.ids);
  const options: EndingOptions = {
    clock,
    read: () => readProcesses(),
    signal: (processId, signal) => process.kill(processId, signal),
  };
  const kinds = ['supervisors', 'components', 'containers', 'containerd', 'shims'] as const;
  const classified = async (kind: keyof ClusterProcesses): Promise<void> => {
    // A container may have been started while what starts them was ending.
    for (const id of (await readContainers(footprint)).ids) ids.add(id);
    const select = (processes: Seen['processes']) =>
      classify({ processes, containerIds: ids, self: process.pid }, footprint)[kind];
    report.processes.push(...(await endProcesses(select, PATIENCE[kind], options)));
  };
  for (const kind of kinds) await classified(kind);
  const left = classify({ processes: await readProcesses(), containerIds: ids, self: process.pid }, footprint);
  for (const found of Object.values(left).flat()) {
    report.problems.push(`process ${found.processId} (${found.args.join(' ')}) does not end, even when killed`);
  }
}

async function unmountAll(footprint: Footprint, report: KillallReport): Promise<void> {
  const mounts = async (): Promise<string[]> =>
    clusterMounts(await readFile('/proc/self/mountinfo', 'utf8'), footprint);
  const before = await mounts();
  if (before.length === 0) return;
  // One that is busy does not keep umount from trying the others; detaching lets go of it as soon as its last user does.
  await runCommand('umount', ['--', ...before]).catch(() => undefined);
  const busy = await mounts();
  if (busy.length > 0) await runCommand('umount', ['--lazy', '--', ...busy]);
  report.mounts.push(...before);
}

async function deleteInterfaces(report: KillallReport): Promise<void> {
  for (const name of clusterInterfaces(await runCommand('ip', ['--json', 'link', 'show']))) {
    // The end of a pod's network namespace, which the kernel brings about in its own time, may take the interface first.
    await runCommand('ip', ['link', 'delete', name]).catch(async (error: unknown) => {
      if ((await runCommand('ip', ['link', 'show', name]).catch(() => '')) !== '') throw error;
    });
    report.interfaces.push(name);
  }
}

async function removeIptablesRules(command: string, report: KillallReport): Promise<void> {
  const save = await runCommand(`${command}-save`, []).catch(() => '');
  const script = iptablesRemoval(save);
  if (script === undefined) return;
  await runCommand(`${command}-restore`, ['--noflush', '--wait', '5'], { input: script });
  report.packetRules.push(command);
}

async function deleteNftables(report: KillallReport): Promise<void> {
  const ruleset = await runCommand('nft', ['--json', 'list', 'ruleset']).catch(() => undefined);
  if (ruleset === undefined) return;
  for (const table of nftablesToDelete(ruleset)) {
    await runCommand('nft', ['delete', 'table', ...table.split(' ')]);
    report.packetRules.push(table);
  }
}

async function deleteGroups(containers: ContainerFacts, report: KillallReport): Promise<void> {
  const groups = await readGroups(cgroupHierarchies(await readFile('/proc/self/mountinfo', 'utf8')));
  const occupied = (await readProcesses()).flatMap((found) => found.groups);
  const chosen = groupsToRemove(groups, occupied, containers.ids);
  const left = await removeGroups(chosen);
  report.cgroups = chosen.length - left.length;
  report.problems.push(...left.map((directory) => `cgroup ${directory} is still in use`));
}

/** What a reboot would have removed too, or what would keep addresses of pods that are gone reserved. */
async function removeFiles(footprint: Footprint, containers: ContainerFacts, report: KillallReport): Promise<void> {
  const results = join(footprint.cniDirectory, 'results');
  const cached = (await readdir(results).catch(() => [])).filter((name) => name.startsWith(`${CNI_NETWORK_NAME}-`));
  const mountInfo = await readFile('/proc/self/mountinfo', 'utf8');
  const stillMounted = clusterMounts(mountInfo, footprint).length > 0;
  const paths = [
    // A mount that is left would have its content removed through it.
    ...(stillMounted ? [] : [footprint.runDirectory]),
    footprint.flannelDirectory,
    join(footprint.cniDirectory, 'networks', CNI_NETWORK_NAME),
    ...cached.map((name) => join(results, name)),
    ...containers.shimSockets,
  ].filter((path) => existsSync(path));
  for (const path of paths) await rm(path, { recursive: true, force: true });
  report.files.push(...paths);
}
