import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { K3S } from './k3s-machine.ts';

const test = clusterTest({
  name: 'options',
  args: ['--node-label=from=flag', '--node-label=flag=given'],
  environment: { K3S_NODE_NAME: 'from-environment' },
  prepare: async ({ machine }) => {
    const folder = '/etc/rancher/k3s';
    await machine.writeFile(
      `${folder}/config.yaml`,
      [
        'node-name: from-file',
        'write-kubeconfig-mode: "0640"',
        'cluster-cidr: 10.52.0.0/16',
        'service-cidr: 10.53.0.0/16',
        'node-label: [file=given, node-role.kubernetes.io/worker=true]',
        'kubelet-arg: [max-pods=44]',
      ].join('\n'),
    );
    await machine.writeFile(
      `${folder}/config.yaml.d/10-more.yaml`,
      'node-label+: [drop-in=given]\nkubelet-arg+: max-pods=55\n',
    );
  },
});

describe('options', () => {
  test('come from flags before the environment before files, and lists add up', async ({ cluster }) => {
    const { items } = await cluster.get<{
      items: {
        metadata: { name: string; labels: Record<string, string> };
        status: { capacity: { pods: string } };
        spec: { podCIDR: string };
      }[];
    }>('nodes');
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['from-environment']);
    expect(items[0]?.metadata.labels).toMatchObject({
      from: 'flag',
      flag: 'given',
      file: 'given',
      'drop-in': 'given',
      'node-role.kubernetes.io/worker': 'true',
    });
    expect(items[0]?.status.capacity.pods).toBe('55');
    expect(items[0]?.spec.podCIDR).toBe('10.52.0.0/24');
    expect(await cluster.kubectl('get', 'service', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}')).toBe('10.53.0.1');
    expect(await cluster.run('stat -c %a /etc/rancher/k3s/k3s.yaml')).toBe('640\n');
  });

  test('are explained with the place that each value comes from', async ({ cluster }) => {
    const text = await cluster.run([K3S, 'server', '--node-label=from=flag', '--explain-config']);
    expect(text).toMatch(/^write-kubeconfig-mode = 0640 {2}\(.*config\.yaml.*\)$/m);
    expect(text).toMatch(/^node-label = .*from=flag.*\(.*--node-label.*\)$/m);
  });

  test.for([
    ['--node-lable=a=b', '--node-label'],
    ['--cluster-cidr=10.42.0.0/33', '10.42.0.0/33'],
    ['--https-listen-port=99999', '99999'],
  ])('that are wrong are refused with what is right: %s', async ([flag, said], { cluster }) => {
    const { code, stderr } = await cluster.exec([K3S, 'server', flag ?? '']);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});
