import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import type { IpFamily } from '../core/ip-address.ts';

export interface HostAddress {
  /** Such as `eth0`. */
  readonly networkInterface: string;
  readonly address: string;
  readonly family: IpFamily;
}

/** What defaults are worked out from: the machine, as it is at the start. */
export interface HostFacts {
  readonly hostname: string;
  /** Without loopback and link-local ones, in the order of the kernel. */
  readonly addresses: readonly HostAddress[];
  /** The interface of the default route, by IP family. */
  readonly defaultInterface: Readonly<Partial<Record<IpFamily, string>>>;
}

/** Reads the machine's name, addresses and default routes. */
export async function readHostFacts(): Promise<HostFacts> {
  const addresses = Object.entries(networkInterfaces()).flatMap(([networkInterface, infos]) =>
    (infos ?? [])
      .filter((info) => !info.internal && !(info.family === 'IPv6' && info.address.startsWith('fe80:')))
      .map((info) => ({ networkInterface, address: info.address, family: info.family === 'IPv4' ? 4 : 6 }) as const),
  );
  const route4 = defaultRoute4(await procFile('/proc/net/route'));
  const route6 = defaultRoute6(await procFile('/proc/net/ipv6_route'));
  return {
    hostname: hostname(),
    addresses,
    defaultInterface: {
      ...(route4 === undefined ? {} : { 4: route4 }),
      ...(route6 === undefined ? {} : { 6: route6 }),
    },
  };
}

const GATEWAY_AND_UP = 0x3;
const REJECT = 0x200;

/** The interface with the best default route in the text of /proc/net/route. */
export function defaultRoute4(table: string): string | undefined {
  const routes = table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , flags, , , , mask]) => {
      const bits = parseInt(flags ?? '0', 16);
      return destination === '00000000' && mask === '00000000' && (bits & 1) === 1 && (bits & REJECT) === 0;
    })
    .map(([name, , , , , , metric]) => ({ name, metric: Number(metric) }));
  return best(routes);
}

/** The interface with the best default route in the text of /proc/net/ipv6_route. */
export function defaultRoute6(table: string): string | undefined {
  const routes = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([destination, length, , , , , , , flags, name]) => {
      const bits = parseInt(flags ?? '0', 16);
      const usable = (bits & GATEWAY_AND_UP) === GATEWAY_AND_UP && (bits & REJECT) === 0 && name !== 'lo';
      return destination === '0'.repeat(32) && length === '00' && usable;
    })
    .map(([, , , , , metric, , , , name]) => ({ name, metric: parseInt(metric ?? '0', 16) }));
  return best(routes);
}

function best(routes: readonly { name: string | undefined; metric: number }[]): string | undefined {
  return routes.toSorted((a, b) => a.metric - b.metric)[0]?.name;
}

/** Empty where the kernel lacks the protocol. */
function procFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
