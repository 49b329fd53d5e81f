import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeletCgroups } from './kubelet-config.ts';

export interface CgroupFacts {
  /** `hybrid` is version 1 with a version 2 tree beside it. */
  version: '1' | 'hybrid' | '2';
  /** Controllers that containers' limits can be set with. */
  controllers: ReadonlySet<string>;
  /** Our own group, and that of process 1, in the tree that a service manager would use. */
  ownGroup: string;
  initGroup: string;
}

/** What kubelet cannot do without; see kubelet's own check in pkg/kubelet/cm. */
const REQUIRED: Readonly<Record<CgroupFacts['version'], readonly string[]>> = {
  '1': ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids'],
  hybrid: ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids'],
  '2': ['cpu', 'cpuset', 'memory', 'pids'],
};

/** Controllers that a node needs and this machine does not offer. */
export function missingControllers(facts: CgroupFacts): string[] {
  return REQUIRED[facts.version].filter((controller) => !facts.controllers.has(controller));
}

export async function readCgroups(root = '/sys/fs/cgroup', proc = '/proc'): Promise<CgroupFacts> {
  const [own, init, unified, mounted] = await Promise.all([
    readFile(join(proc, 'self/cgroup'), 'utf8'),
    readFile(join(proc, '1/cgroup'), 'utf8').catch(() => ''),
    readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => undefined),
    readdir(root).catch((): string[] => []),
  ]);
  if (unified !== undefined) {
    return {
      version: '2',
      controllers: new Set(unified.trim().split(/\s+/)),
      ownGroup: groupIn(own, ''),
      initGroup: groupIn(init, ''),
    };
  }
  // Hierarchies with several controllers are also there under a link for each one.
  const enabled = controllersIn(own).filter((controller) => mounted.includes(controller));
  return {
    version: mounted.includes('unified') ? 'hybrid' : '1',
    controllers: new Set(enabled),
    ownGroup: groupIn(own, 'name=systemd'),
    initGroup: groupIn(init, 'name=systemd'),
  };
}

/** Names in the second column of /proc/PID/cgroup: the controllers of version 1 that the kernel has turned on. */
function controllersIn(text: string): string[] {
  return text.split('\n').flatMap((line) => (line.split(':')[1] ?? '').split(',').filter((name) => name !== ''));
}

function groupIn(text: string, hierarchy: string): string {
  const line = text.split('\n').find((candidate) => candidate.split(':')[1] === hierarchy);
  return line?.split(':').slice(2).join(':') ?? '/';
}

/**
 * What the machine's control groups ask of kubelet. `systemd`: whether a systemd unit started us, which then owns the groups.
 * Started by hand in a session, or inside a container, kubelet is given a group of its own, because accounting may be off in the
 * one it is in; inside a container containerd shares it.
 */
export function kubeletCgroups(facts: CgroupFacts, systemd: boolean): KubeletCgroups {
  const contained = facts.initGroup !== '/' && facts.initGroup !== '/init.scope';
  const inSession = facts.ownGroup.includes('.scope');
  return {
    driver: systemd && facts.controllers.has('cpuset') ? 'systemd' : 'cgroupfs',
    cpuQuota: facts.controllers.has('cpu'),
    ...(inSession || contained ? { kubeletGroup: '/k3s' } : {}),
    ...(contained && !inSession ? { runtimeGroup: '/k3s' } : {}),
  };
}
