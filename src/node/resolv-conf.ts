import { readFile } from 'node:fs/promises';
import { BlockList, isIP } from 'node:net';
import { writeFileAtomically } from './atomic-file.ts';

/** What is served to pods when the host's resolvers cannot be reached from inside a pod's network. */
export const FALLBACK_RESOLV_CONF = 'nameserver 8.8.8.8\nnameserver 2001:4860:4860::8888\n';

/** Where systemd-resolved keeps the servers behind its stub on 127.0.0.53. */
const SYSTEMD_RESOLV_CONF = '/run/systemd/resolve/resolv.conf';

/** Addresses that mean something else, or nothing, inside a pod's network namespace. */
const unreachableFromPods = new BlockList();
unreachableFromPods.addAddress('0.0.0.0');
unreachableFromPods.addSubnet('127.0.0.0', 8);
unreachableFromPods.addSubnet('169.254.0.0', 16);
unreachableFromPods.addSubnet('224.0.0.0', 4);
unreachableFromPods.addAddress('255.255.255.255');
unreachableFromPods.addAddress('::', 'ipv6');
unreachableFromPods.addAddress('::1', 'ipv6');
unreachableFromPods.addSubnet('fe80::', 10, 'ipv6');
unreachableFromPods.addSubnet('ff00::', 8, 'ipv6');

/** Link-local by number, but answered by the hypervisor of several clouds for every source. */
const CLOUD_RESOLVER = '169.254.169.254';

/** Whether a resolv.conf names at least one server and only servers that pods can reach. */
export function servesPods(text: string): boolean {
  const servers = [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map((match) => match[1] ?? '');
  return servers.length > 0 && servers.every(reachableFromPods);
}

function reachableFromPods(address: string): boolean {
  if (address === CLOUD_RESOLVER) return true;
  const family = isIP(address);
  if (family === 0) return false;
  return !unreachableFromPods.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * The file that kubelet gives to pods: the host's, else systemd-resolved's, else `generated`, which is then written with
 * public resolvers.
 */
export async function chooseResolvConf(generated: string, hostFiles?: readonly string[]): Promise<string> {
  for (const path of hostFiles ?? ['/etc/resolv.conf', SYSTEMD_RESOLV_CONF]) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined && servesPods(text)) return path;
  }
  await writeFileAtomically(generated, FALLBACK_RESOLV_CONF, 0o644);
  return generated;
}
