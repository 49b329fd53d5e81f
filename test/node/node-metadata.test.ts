import { describe, expect, test } from 'vitest';
import { nodeMetadata, type NodeIdentity } from '../../src/node/node-metadata.ts';

const node: NodeIdentity = {
  controlPlane: true,
  labels: { tier: 'front' },
  hostname: 'one.example.org',
  internalIPs: ['10.0.0.1', 'fd00::1'],
  args: ['server', '--disable', 'coredns'],
  environment: { K3S_NODE_NAME: 'one', HOME: '/root', K3S_DEBUG: undefined },
};

describe('nodeMetadata', () => {
  test('a control-plane node gets its role besides the user’s labels; an agent gets none', () => {
    expect(nodeMetadata(node).labels).toEqual({ tier: 'front', 'node-role.kubernetes.io/control-plane': 'true' });
    expect(nodeMetadata({ ...node, controlPlane: false }).labels).toEqual({ tier: 'front' });
  });

  test('annotations say how the node was started', () => {
    expect(nodeMetadata(node).annotations).toEqual({
      'k3s.io/hostname': 'one.example.org',
      'k3s.io/internal-ip': '10.0.0.1,fd00::1',
      'k3s.io/node-args': '["server","--disable","coredns"]',
      'k3s.io/node-env': '{"K3S_NODE_NAME":"one"}',
      // printf '["server","--disable","coredns"]{"K3S_NODE_NAME":"one"}' | openssl dgst -sha256 -binary | base32
      'k3s.io/node-config-hash': '5ICIAXBCKN3V73642OVWLMC7F52T2NY3533WOLHP4Y4TQJGBI2BQ====',
    });
  });

  test('secrets do not leave the machine, however they were given', () => {
    const { annotations } = nodeMetadata({
      ...node,
      args: [
        'server',
        '--token',
        'a',
        '-t',
        'b',
        '--agent-token=c',
        '--datastore-endpoint=mysql://root:d@h/k?x=y',
        '--node-label',
        'a=b',
      ],
      environment: { K3S_TOKEN: 'e', K3S_AGENT_TOKEN: 'f', K3S_DATASTORE_ENDPOINT: 'g' },
    });
    expect(JSON.parse(annotations['k3s.io/node-args'] ?? '')).toEqual([
      'server',
      '--token',
      '********',
      '-t',
      '********',
      '--agent-token=********',
      '--datastore-endpoint=********',
      '--node-label',
      'a=b',
    ]);
    expect(JSON.parse(annotations['k3s.io/node-env'] ?? '')).toEqual({
      K3S_AGENT_TOKEN: '********',
      K3S_DATASTORE_ENDPOINT: '********',
      K3S_TOKEN: '********',
    });
  });
});
