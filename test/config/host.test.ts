import { describe, expect, test } from 'vitest';
import { defaultRoute4, defaultRoute6, readHostFacts } from '../../src/config/host.ts';

describe('the interface of the default route', () => {
  const header = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

  test('is that with the lowest metric', () => {
    const table = `${header}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\neth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`;
    expect(defaultRoute4(table)).toBe('eth0');
  });

  test('may have no gateway, but has to be up and no rejection', () => {
    expect(defaultRoute4(`${header}ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n`)).toBe('ppp0');
    expect(defaultRoute4(`${header}eth0\t00000000\t00000000\t0000\t0\t0\t0\t00000000\t0\t0\t0\n`)).toBeUndefined();
    expect(defaultRoute4(`${header}*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n`)).toBeUndefined();
  });

  test('is not that of another network', () => {
    expect(defaultRoute4(`${header}eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`)).toBeUndefined();
    expect(defaultRoute4('')).toBeUndefined();
  });

  test('for IPv6 is not the loopback that rejects', () => {
    const any = '0'.repeat(32);
    const gateway = 'fe80000000000000000000000000dead';
    const rejecting = `${any} 00 ${any} 00 ${any} ffffffff 00000001 00000000 00200200       lo\n`;
    const usable = `${any} 00 ${any} 00 ${gateway} 00000400 00000001 00000000 00000003     eth0\n`;
    expect(defaultRoute6(rejecting + usable)).toBe('eth0');
    expect(defaultRoute6(rejecting)).toBeUndefined();
    expect(defaultRoute6('')).toBeUndefined();
  });
});

test("this machine's facts hold no loopback and no link-local address", async () => {
  const facts = await readHostFacts();
  expect(facts.hostname).not.toBe('');
  for (const { address } of facts.addresses) expect(address).not.toMatch(/^(127\.|::1$|fe80:)/);
});
