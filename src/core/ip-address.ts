import { isIP, isIPv4, isIPv6 } from 'node:net';

export type IpFamily = 4 | 6;

/** An IP address as a number: 32 bits for family 4, 128 bits for family 6. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

/** Width of an address in bits. */
export const ADDRESS_BITS: Readonly<Record<IpFamily, number>> = { 4: 32, 6: 128 };

/** Undefined when `text` is not an IPv4 or IPv6 address; zones (`%eth0`) are not addresses. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, value: fromGroups(text.split('.').map(Number), 8n) };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return { family: 6, value: fromGroups(ipv6Groups(text), 16n) };
}

/** The canonical text (RFC 5952 for IPv6). */
export function formatIpAddress(address: IpAddress): string {
  if (address.family === 4) return toGroups(address.value, 4, 8n).join('.');
  const groups = toGroups(address.value, 8, 16n);
  const full = groups.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${full}]/`).hostname.slice(1, -1);
}

/** The canonical spelling of an address, or `text` itself when it is not one: `::0001` → `::1`. */
export function canonicalHost(text: string): string {
  const address = parseIpAddress(text);
  return address === undefined ? text : formatIpAddress(address);
}

/** The address in network byte order: 4 or 16 bytes. */
export function ipAddressBytes(address: IpAddress): Uint8Array {
  return Uint8Array.from(toGroups(address.value, ADDRESS_BITS[address.family] / 8, 8n));
}

/** `host:port` with the brackets that IPv6 needs. */
export function hostPort(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

function fromGroups(groups: readonly number[], width: bigint): bigint {
  return groups.reduce((value, group) => (value << width) | BigInt(group), 0n);
}

function toGroups(value: bigint, count: number, width: bigint): number[] {
  const mask = (1n << width) - 1n;
  return Array.from({ length: count }, (_, index) => Number((value >> (width * BigInt(count - 1 - index))) & mask));
}

function ipv6Groups(text: string): number[] {
  const dotted = text.lastIndexOf('.') < 0 ? undefined : text.slice(text.lastIndexOf(':') + 1);
  let hexadecimal = text;
  if (dotted !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    hexadecimal = `${text.slice(0, -dotted.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = hexadecimal.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  if (tail === undefined) return groups(head);
  const before = groups(head);
  const after = groups(tail);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}
