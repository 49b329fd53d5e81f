import { describe, expect, test } from 'vitest';
import { canonicalHost, formatIpAddress, hostPort, ipAddressBytes, parseIpAddress } from '../../src/core/ip-address.ts';

function roundTrip(text: string): string | undefined {
  const address = parseIpAddress(text);
  return address && formatIpAddress(address);
}

describe('IP addresses', () => {
  test.each([
    ['10.43.0.1', '10.43.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['FD00:0042::000a', 'fd00:42::a'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('the canonical form of %s is %s', (text, canonical) => {
    expect(roundTrip(text)).toBe(canonical);
  });

  test.each(['', 'localhost', '10.0.0', '10.0.0.256', 'fe80::1%eth0', '10.0.0.0/8', '::1::'])(
    '%j is not an address',
    (text) => {
      expect(parseIpAddress(text)).toBeUndefined();
    },
  );

  test('addresses are numbers, so that they can be counted', () => {
    expect(parseIpAddress('10.0.1.2')?.value).toBe(0x0a000102n);
    expect(parseIpAddress('::1:0')?.value).toBe(65536n);
  });

  test('bytes are in network order', () => {
    expect([...ipAddressBytes({ family: 4, value: 0x0a000102n })]).toEqual([10, 0, 1, 2]);
    expect([...ipAddressBytes({ family: 6, value: 1n })]).toEqual([...Array.from({ length: 15 }, () => 0), 1]);
  });

  test('a host that is not an address keeps its spelling', () => {
    expect(canonicalHost('example.com')).toBe('example.com');
    expect(canonicalHost('0::1')).toBe('::1');
  });

  test('IPv6 addresses are bracketed before a port', () => {
    expect(hostPort('::1', 6443)).toBe('[::1]:6443');
    expect(hostPort('127.0.0.1', 6443)).toBe('127.0.0.1:6443');
    expect(hostPort('example.com', 80)).toBe('example.com:80');
  });
});
