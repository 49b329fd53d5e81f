import { describe, expect, test } from 'vitest';
import type { Node } from '../../../src/cluster/kinds.ts';
import { nodeHosts } from '../../../src/controllers/coredns/node-hosts.ts';

const node = (name: string, ...addresses: string[]): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: {
    addresses: [
      ...addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'ExternalIP', address: '203.0.113.1' },
      { type: 'Hostname', address: name },
    ],
  },
});

describe('the hosts file of CoreDNS', () => {
  test('has a sorted line for each internal address of each node', () => {
    expect(nodeHosts('', [], [node('b', '10.0.0.2'), node('a', '10.0.0.1', 'fd00::1')])).toBe(
      '10.0.0.1 a\n10.0.0.2 b\nfd00::1 a\n',
    );
  });

  test('replaces the lines of a node whose address changed', () => {
    expect(nodeHosts('10.0.0.1 a\n10.0.0.2 b\n', ['a', 'b'], [node('a', '10.0.0.9'), node('b', '10.0.0.2')])).toBe(
      '10.0.0.2 b\n10.0.0.9 a\n',
    );
  });

  test('drops the lines of a node that is gone, also if it went while nobody looked', () => {
    expect(nodeHosts('10.0.0.1 a\n10.0.0.2 b\n', ['a', 'b'], [node('a', '10.0.0.1')])).toBe('10.0.0.1 a\n');
    expect(nodeHosts('10.0.0.1 a\n', ['a'], [])).toBe('');
  });

  test('keeps what others wrote, after the nodes', () => {
    const text = '# mine\n192.0.2.1 printer printer.local\n10.0.0.1 a\n';
    expect(nodeHosts(text, ['a'], [node('a', '10.0.0.3')])).toBe(
      '10.0.0.3 a\n# mine\n192.0.2.1 printer printer.local\n',
    );
  });

  test('is the same when nothing has changed', () => {
    const nodes = [node('a', '10.0.0.1'), node('b')];
    const once = nodeHosts('192.0.2.1 printer\n', [], nodes);
    expect(nodeHosts(once, ['a', 'b'], nodes)).toBe(once);
  });
});
