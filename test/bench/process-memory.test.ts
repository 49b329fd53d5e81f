import { expect, test } from 'vitest';
import { groupByName } from '../../bench/cluster/process-memory.ts';

test('processes of one name are added up, the largest group comes first, shells do not count', () => {
  const list = [
    '1000 500 /coredns -conf',
    '3000 2000 /var/lib/engine control-plane',
    '1500 700 /coredns -conf',
    '4000 4000 sh -ec',
    '10 10 /bin/sleep 1',
    'sh -ec',
    '',
  ].join('\n');
  expect(groupByName(list)).toEqual([
    { name: 'engine control-plane', count: 1, pss: 3.072, anonymous: 2.048 },
    { name: 'coredns', count: 2, pss: expect.closeTo(2.56, 6), anonymous: expect.closeTo(1.2288, 6) },
  ]);
});
