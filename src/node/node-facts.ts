import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { Capability, hasCapability } from './capability.ts';
import { kubeletCgroups, readCgroups } from './cgroup-facts.ts';
import { choosePacketFilter, type PacketFilter } from './kube-proxy-arguments.ts';
import type { KubeletCgroups } from './kubelet-config.ts';
import { runCommand } from './run-command.ts';

/** What the machine decides about how its node is set up. */
export interface NodeFacts {
  readonly cgroups: KubeletCgroups;
  /** True where CAP_SYS_RESOURCE is missing. */
  readonly restrictOomScore: boolean;
  readonly packetFilter: PacketFilter;
}

/** systemd tells its services the id of their start. */
const STARTED_BY_SYSTEMD = 'INVOCATION_ID';

export async function readNodeFacts(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<NodeFacts> {
  const [status, nft, cgroups] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    runCommand('nft', ['--version']).catch(() => undefined),
    readCgroups(),
  ]);
  return {
    cgroups: kubeletCgroups(cgroups, environment[STARTED_BY_SYSTEMD] !== undefined),
    restrictOomScore: !hasCapability(status, Capability.sysResource),
    packetFilter: choosePacketFilter(release(), nft),
  };
}
