import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
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

const CAP_SYS_RESOURCE = 24n;

export async function readNodeFacts(): Promise<NodeFacts> {
  const status = await readFile('/proc/self/status', 'utf8');
  const nft = await runCommand('nft', ['--version']).catch(() => undefined);
  return {
    cgroups: { driver: 'cgroupfs', cpuQuota: true },
    restrictOomScore: !hasCapability(status, CAP_SYS_RESOURCE),
    packetFilter: choosePacketFilter(release(), nft),
  };
}

/** Whether the effective set in the text of /proc/PID/status has the capability with this number. */
export function hasCapability(status: string, capability: bigint): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> capability) & 1n) === 1n;
}
