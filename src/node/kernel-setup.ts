import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, systemErrorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { PacketFilter } from './kube-proxy-arguments.ts';
import { runCommand } from './run-command.ts';

export interface KernelNeeds {
  packetFilter: PacketFilter;
  ipv6: boolean;
  /** Whether kube-proxy or flannel run here, which must see what passes the bridge. */
  bridgeFiltering: boolean;
}

/** Modules to ask for, without which some of the sysctls below do not exist. */
export function neededModules(needs: KernelNeeds): string[] {
  return [
    'overlay',
    'nf_conntrack',
    ...(needs.bridgeFiltering ? ['br_netfilter'] : []),
    ...(needs.packetFilter === 'nftables' ? ['nf_tables'] : ['iptable_nat', 'iptable_filter']),
    ...(needs.packetFilter === 'iptables' && needs.ipv6 ? ['ip6table_nat', 'ip6table_filter'] : []),
  ];
}

export interface Sysctl {
  /** Below /proc/sys. */
  path: string;
  value: string;
}

/** Settings of the kernel that pods' traffic depends on. */
export function neededSysctls(needs: KernelNeeds): Sysctl[] {
  return [
    // Turns it on for every interface, those to come included.
    { path: 'net/ipv4/ip_forward', value: '1' },
    ...(needs.bridgeFiltering ? [{ path: 'net/bridge/bridge-nf-call-iptables', value: '1' }] : []),
    ...(needs.ipv6
      ? [
          { path: 'net/ipv6/conf/all/forwarding', value: '1' },
          // New network namespaces, those of pods, take over the settings of this one.
          { path: 'net/core/devconf_inherit_init_net', value: '1' },
        ]
      : []),
    ...(needs.ipv6 && needs.bridgeFiltering ? [{ path: 'net/bridge/bridge-nf-call-ip6tables', value: '1' }] : []),
  ];
}

/**
 * Loads modules and sets sysctls. Nothing here stops a start: what cannot be set may have been set already, and where /proc/sys
 * is read-only, as in containers, it is the host's business. Each failure is a warning.
 */
export async function setUpKernel(needs: KernelNeeds, log: Logger, sysctlRoot = '/proc/sys'): Promise<void> {
  await loadModules(neededModules(needs), log);
  for (const sysctl of neededSysctls(needs)) {
    try {
      const path = join(sysctlRoot, sysctl.path);
      const current = (await readFile(path, 'utf8')).trim();
      if (current === sysctl.value) continue;
      await writeFile(path, sysctl.value);
      log.info('kernel setting changed', { sysctl: sysctl.path, from: current, to: sysctl.value });
    } catch (error) {
      const absent = systemErrorCode(error) === 'ENOENT';
      log.warn(absent ? 'the kernel has no such setting' : 'a kernel setting could not be changed', {
        sysctl: sysctl.path,
        wanted: sysctl.value,
        ...(absent ? {} : { error: describeError(error) }),
      });
    }
  }
}

/** One process for all; a kernel without modules has everything built in or not at all, which the host checks look at. */
async function loadModules(modules: readonly string[], log: Logger): Promise<void> {
  const loaded = await readFile('/proc/modules', 'utf8').catch(() => undefined);
  if (loaded === undefined) return;
  const missing = modules.filter((module) => !new RegExp(`^${module} `, 'm').test(loaded));
  if (missing.length === 0) return;
  await runCommand('modprobe', ['--all', '--quiet', '--use-blacklist', ...missing]).catch((error: unknown) => {
    log.warn('kernel modules could not be loaded', { modules: missing, error: describeError(error) });
  });
}
