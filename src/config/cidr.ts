import { ADDRESS_BITS, formatIpAddress, parseIpAddress, type IpAddress, type IpFamily } from '../core/ip-address.ts';

/** A network: all addresses that share the first `prefix` bits of `first`. */
export interface Cidr {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly prefix: number;
}

/** Reads `10.42.0.0/16` or `fd00:42::/56`. Bits beyond the prefix are dropped. Undefined when `text` is not a CIDR. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = parseIpAddress(match?.[1] ?? '');
  const prefix = Number(match?.[2]);
  if (address === undefined || !(prefix <= ADDRESS_BITS[address.family])) return undefined;
  const host = BigInt(ADDRESS_BITS[address.family] - prefix);
  return { family: address.family, first: (address.value >> host) << host, prefix };
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIpAddress({ family: cidr.family, value: cidr.first })}/${cidr.prefix}`;
}

/** How many addresses the network has. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(ADDRESS_BITS[cidr.family] - cidr.prefix);
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  return cidr.family === address.family && address.value >= cidr.first && address.value < cidr.first + cidrSize(cidr);
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  const holds = (outer: Cidr, inner: Cidr): boolean =>
    cidrContains(outer, { family: inner.family, value: inner.first });
  return holds(a, b) || holds(b, a);
}

/** The address `index` places after the first; undefined when the network is smaller. */
export function nthAddress(cidr: Cidr, index: number): IpAddress | undefined {
  return BigInt(index) < cidrSize(cidr) ? { family: cidr.family, value: cidr.first + BigInt(index) } : undefined;
}
