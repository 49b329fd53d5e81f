import { basename, dirname } from 'node:path';
import { isWithin, type Footprint } from './footprint.ts';
import type { ProcessFacts } from './processes.ts';

/** The processes of one cluster on this machine, in the order in which they have to end. */
export interface ClusterProcesses {
  /** `k3s server` or `k3s agent`: ends its children in order, and would start again what ended before it. */
  supervisors: ProcessFacts[];
  /** The engine's other processes; kubelet must not start containers any more when pods end. */
  components: ProcessFacts[];
  /** All processes of all containers. */
  containers: ProcessFacts[];
  containerd: ProcessFacts[];
  /** End last: the parent of a container learns how it ended. */
  shims: ProcessFacts[];
}

export interface Seen {
  processes: readonly ProcessFacts[];
  /** Of containers and sandboxes that containerd knows, running or not. */
  containerIds: ReadonlySet<string>;
  /** The process that asks; it, its ancestors and processes of other mount namespaces than its own are never supervisors. */
  self: number;
}

/**
 * Which processes belong to the cluster. Names alone prove nothing: a program of ours belongs to it when it was started with a
 * path of this cluster and shares our view of the file system, a container's process by the container's id in its cgroup.
 */
export function classify(seen: Seen, footprint: Footprint): ClusterProcesses {
  const byId = new Map(seen.processes.map((found) => [found.processId, found]));
  const mountNamespace = byId.get(seen.self)?.mountNamespace;
  const excluded = ancestors(seen.self, byId);
  const local = seen.processes.filter(
    (found) => found.mountNamespace === mountNamespace && !excluded.has(found.processId) && found.executable !== '',
  );

  const shims = local.filter((found) => isShim(found, footprint));
  const programs = local.filter((found) => isProgram(found, footprint) && !shims.includes(found));
  const containerd = programs.filter((found) => isContainerd(found));
  const parents = new Set([...programs.map((found) => found.parent), footprint.holder]);
  const supervisors = local.filter(
    (found) =>
      parents.has(found.processId) &&
      found.executable === footprint.launcher &&
      // The command line, or the title that the process has put in its place.
      /(^| )(server|agent)( |$)/.test(found.args.join(' ').trim()),
  );
  const known = new Set([...shims, ...programs, ...supervisors]);
  const containers = seen.processes.filter(
    (found) => !known.has(found) && !excluded.has(found.processId) && isContained(found, seen.containerIds),
  );
  return {
    supervisors,
    components: programs.filter((found) => !containerd.includes(found) && !supervisors.includes(found)),
    containers,
    containerd,
    shims,
  };
}

function ancestors(processId: number, byId: ReadonlyMap<number, ProcessFacts>): Set<number> {
  const line = new Set<number>();
  for (let current = processId; current !== 0 && !line.has(current); current = byId.get(current)?.parent ?? 0) {
    line.add(current);
  }
  return line;
}

/** Known by the socket it was told to report to; its program may have been replaced since it was started. */
function isShim(found: ProcessFacts, footprint: Footprint): boolean {
  const address = found.args[found.args.indexOf('-address') + 1] ?? '';
  return basename(found.args[0] ?? '').startsWith('containerd-shim') && isWithin(address, footprint.runDirectory);
}

function isProgram(found: ProcessFacts, footprint: Footprint): boolean {
  if (!footprint.programDirectories.some((directory) => isWithin(dirname(found.executable), directory))) return false;
  return found.args.slice(1).some((argument) => {
    const value = argument.startsWith('-') ? argument.slice(argument.indexOf('=') + 1) : argument;
    return isWithin(value, footprint.dataDirectory) || isWithin(value, footprint.runDirectory);
  });
}

/** `engine containerd …`, or the engine under that name. */
function isContainerd(found: ProcessFacts): boolean {
  return basename(found.args[0] ?? '') === 'containerd' || found.args[1] === 'containerd';
}

/** The last part of a container's cgroup is its id, `cri-containerd-<id>.scope` under systemd; it may have groups inside. */
function isContained(found: ProcessFacts, containerIds: ReadonlySet<string>): boolean {
  return found.groups.some((group) => group.split('/').some((part) => containerIds.has(containerIdOf(part))));
}

/** The id in the name of a container's cgroup. */
export function containerIdOf(group: string): string {
  return group.replace(/^cri-containerd[-:]/, '').replace(/\.scope$/, '');
}
