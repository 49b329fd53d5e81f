import * as fc from 'fast-check';
import { BlockList } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  cidrContains,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  nthAddress,
  parseCidr,
  type Cidr,
} from '../../src/config/cidr.ts';
import { formatIpAddress, parseIpAddress, type IpAddress } from '../../src/core/ip-address.ts';

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function ip(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

describe('a network', () => {
  test.each([
    ['10.42.0.0/16', '10.42.0.0/16', 65536n],
    ['10.42.3.4/16', '10.42.0.0/16', 65536n],
    ['0.0.0.0/0', '0.0.0.0/0', 2n ** 32n],
    ['1.2.3.4/32', '1.2.3.4/32', 1n],
    ['FD00:42::1/56', 'fd00:42::/56', 2n ** 72n],
    ['::/0', '::/0', 2n ** 128n],
  ])('%s is %s with %i addresses', (text, canonical, size) => {
    expect(formatCidr(cidr(text))).toBe(canonical);
    expect(cidrSize(cidr(text))).toBe(size);
  });

  test.each([
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '/8',
    'x/8',
    '::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/1e1',
  ])('is not %j', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('counts its addresses from the first', () => {
    const at = (text: string, index: number): string | undefined => {
      const address = nthAddress(cidr(text), index);
      return address && formatIpAddress(address);
    };
    expect(at('10.43.0.0/16', 1)).toBe('10.43.0.1');
    expect(at('10.43.0.0/16', 300)).toBe('10.43.1.44');
    expect(at('fd00:43::/112', 10)).toBe('fd00:43::a');
    expect(at('10.43.0.0/30', 3)).toBe('10.43.0.3');
    expect(at('10.43.0.0/30', 4)).toBeUndefined();
  });

  test("holds an address exactly when Node's own block list has it", () => {
    const address = fc.ipV4();
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 32 }), address, (network, prefix, candidate) => {
        const list = new BlockList();
        list.addSubnet(network, prefix, 'ipv4');
        expect(cidrContains(cidr(`${network}/${prefix}`), ip(candidate))).toBe(list.check(candidate, 'ipv4'));
      }),
    );
  });

  test('holds no address of the other family', () => {
    expect(cidrContains(cidr('::/0'), ip('10.0.0.1'))).toBe(false);
    expect(cidrContains(cidr('0.0.0.0/0'), ip('::1'))).toBe(false);
  });

  test('overlaps another when one holds the other', () => {
    expect(cidrsOverlap(cidr('10.42.0.0/16'), cidr('10.42.128.0/24'))).toBe(true);
    expect(cidrsOverlap(cidr('10.42.128.0/24'), cidr('10.42.0.0/16'))).toBe(true);
    expect(cidrsOverlap(cidr('10.42.0.0/16'), cidr('10.43.0.0/16'))).toBe(false);
    expect(cidrsOverlap(cidr('10.42.0.0/16'), cidr('::/0'))).toBe(false);
  });
});
