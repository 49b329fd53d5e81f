import { join } from 'node:path';
import { pid } from 'node:process';
import type { ProcessDefinition } from './processes/child.ts';
import type { ServerPaths } from './server-paths.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Names of the child processes, in the logs and as keys of the process controller. */
export const CONTROL_PLANE = 'control-plane';
export const NODE = 'node';
export const CONTAINERD = 'containerd';

/** `engine control-plane` or `engine node` with the plan in `planFile`. `stopTimeout` is above the plan's own. */
export function engineProcess(
  name: typeof CONTROL_PLANE | typeof NODE,
  planFile: string,
  paths: ServerPaths,
  environment: Environment,
): ProcessDefinition {
  const server = name === CONTROL_PLANE;
  return {
    name,
    command: join(paths.programs, 'engine'),
    args: [name, planFile],
    env: childEnvironment(paths, environment),
    cwd: server ? paths.server : paths.agent,
    stopTimeout: server ? 9_000 : 6_000,
    logFile: join(server ? paths.serverLogs : paths.agentLogs, `${name}.log`),
  };
}

/** containerd; its shims and their containers outlive it. */
export function containerdProcess(configFile: string, paths: ServerPaths, environment: Environment): ProcessDefinition {
  return {
    name: CONTAINERD,
    command: join(paths.programs, 'containerd'),
    args: ['--config', configFile],
    env: childEnvironment(paths, environment),
    cwd: paths.agent,
    stopTimeout: 4_000,
    logFile: join(paths.agentLogs, 'containerd.log'),
  };
}

/** Our own environment, with our programs first in PATH: containerd looks its shim up there. */
function childEnvironment(paths: ServerPaths, environment: Environment): Record<string, string> {
  const own = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !INTERNAL.test(entry[0]),
  );
  const path = [paths.cniPrograms, paths.programs, environment['PATH'] ?? '', '/usr/local/sbin:/usr/sbin:/sbin'];
  return { ...Object.fromEntries(own), PATH: path.join(':'), [PARENT]: String(pid) };
}

/** Makes the kernel end the engine when the process that started it is gone, however that ended (components/engine). */
const PARENT = 'K3S_END_WITH_PARENT';

/** What concerns this process only; the tokens must not be readable in a child's /proc entry. */
const INTERNAL = /^(NODE_|NOTIFY_SOCKET$|K3S_(AGENT_)?TOKEN$)/;
