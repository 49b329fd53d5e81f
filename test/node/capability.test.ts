import { expect, test } from 'vitest';
import { Capability, hasCapability } from '../../src/node/capability.ts';

test('capabilities are bits of the effective set', () => {
  const status = 'Name:\tsh\nCapPrm:\t000001ffffffffff\nCapEff:\t000001fffeffffff\nCapBnd:\t000001ffffffffff\n';
  expect(hasCapability(status, Capability.sysResource)).toBe(false);
  expect(hasCapability(status, Capability.sysAdmin)).toBe(true);
  expect(hasCapability('CapEff:\t0000000000001000\n', Capability.netAdmin)).toBe(true);
  expect(hasCapability('', Capability.netAdmin)).toBe(false);
});
