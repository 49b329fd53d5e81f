import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  kubeletArguments,
  kubeletConfig,
  writeKubeletConfig,
  type KubeletOptions,
} from '../../src/node/kubelet-config.ts';

const options: KubeletOptions = {
  configDirectory: '/a/etc/kubelet.conf.d',
  kubeconfig: '/a/kubelet.kubeconfig',
  nodeName: 'one',
  nodeIPs: ['10.0.0.1', 'fd00::1'],
  nodeLabels: { tier: 'front', 'node-role.kubernetes.io/worker': 'true' },
  nodeTaints: ['dedicated=gpu:NoSchedule', 'quiet:NoExecute'],
  bindAddress: '0.0.0.0',
  clusterDNS: ['10.43.0.10'],
  clusterDomain: 'cluster.local',
  clientCAFile: '/a/client-ca.crt',
  servingCertificate: { certFile: '/a/serving-kubelet.crt', keyFile: '/a/serving-kubelet.key' },
  containerRuntimeEndpoint: '/run/k3s/containerd/containerd.sock',
  resolvConf: '/etc/resolv.conf',
  staticPodPath: '/a/pod-manifests',
  protectKernelDefaults: false,
  cgroups: { driver: 'cgroupfs', cpuQuota: true },
};

describe('kubeletConfig', () => {
  const parsed = (changed: Partial<KubeletOptions> = {}): Record<string, unknown> =>
    JSON.parse(kubeletConfig({ ...options, ...changed })) as Record<string, unknown>;

  test('allows cgroup version 1, which Kubernetes 1.36 refuses by default', () => {
    expect(parsed()).toMatchObject({ failCgroupV1: false, cgroupDriver: 'cgroupfs', cpuCFSQuota: true });
  });

  test('lets nobody in without a client certificate or a token that the API server knows', () => {
    expect(parsed()).toMatchObject({
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: '/a/client-ca.crt' },
      },
      authorization: { mode: 'Webhook' },
    });
  });

  test('speaks to one socket for containers and images', () => {
    const socket = 'unix:///run/k3s/containerd/containerd.sock';
    expect(parsed()).toMatchObject({ containerRuntimeEndpoint: socket, imageServiceEndpoint: socket });
  });

  test('splits taints into key, value and effect', () => {
    expect(parsed()['registerWithTaints']).toEqual([
      { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
      { key: 'quiet', effect: 'NoExecute' },
    ]);
  });

  test('serves its health on the loopback address of the node’s first family', () => {
    expect(parsed()['healthzBindAddress']).toBe('127.0.0.1');
    expect(parsed({ nodeIPs: ['fd00::1'] })['healthzBindAddress']).toBe('::1');
  });

  test('names groups for kubelet and the runtime only where they cannot stay in their own', () => {
    expect(parsed()).not.toHaveProperty('kubeletCgroups');
    expect(kubeletArguments(options)).not.toHaveProperty('runtime-cgroups');
    const cgroups = { driver: 'cgroupfs', cpuQuota: false, kubeletGroup: '/k3s', runtimeGroup: '/k3s' } as const;
    expect(parsed({ cgroups })).toMatchObject({ kubeletCgroups: '/k3s', cpuCFSQuota: false });
    expect(kubeletArguments({ ...options, cgroups })).toMatchObject({ 'runtime-cgroups': '/k3s' });
  });
});

describe('kubeletArguments', () => {
  test('holds what is not in the configuration file', () => {
    expect(kubeletArguments(options)).toEqual({
      'config-dir': '/a/etc/kubelet.conf.d',
      'hostname-override': 'one',
      kubeconfig: '/a/kubelet.kubeconfig',
      'node-ip': '10.0.0.1,fd00::1',
      'node-labels': 'tier=front',
      'read-only-port': '0',
    });
  });

  test('has no node-labels flag when there is no label that kubelet may set', () => {
    expect(kubeletArguments({ ...options, nodeLabels: {} })).not.toHaveProperty('node-labels');
  });
});

describe('writeKubeletConfig', () => {
  let folder: string;
  let managed: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubelet-config-'));
    managed = join(folder, 'kubelet.conf.d');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('copies the user’s file and directory under names that kubelet merges after ours', async () => {
    await writeFile(join(folder, 'mine.yaml'), 'maxPods: 1');
    await mkdir(join(folder, 'more'));
    await writeFile(join(folder, 'more', '5.conf'), 'maxPods: 2');
    await writeFile(join(folder, 'more', 'notes.txt'), '');
    await writeKubeletConfig(managed, 'defaults', { file: join(folder, 'mine.yaml'), directory: join(folder, 'more') });
    expect((await readdir(managed, { recursive: true })).sort()).toEqual([
      '00-k3s-defaults.conf',
      '10-cli-config.conf',
      '20-cli-config-dir',
      '20-cli-config-dir/5.conf',
    ]);
    expect(await readFile(join(managed, '10-cli-config.conf'), 'utf8')).toBe('maxPods: 1');
  });

  test('removes what an earlier start copied, and keeps what the user put there', async () => {
    await writeFile(join(folder, 'mine.yaml'), 'maxPods: 1');
    await writeKubeletConfig(managed, 'defaults', { file: join(folder, 'mine.yaml'), directory: folder });
    await writeFile(join(managed, '50-own.conf'), '');
    await writeKubeletConfig(managed, 'defaults');
    expect((await readdir(managed)).sort()).toEqual(['00-k3s-defaults.conf', '50-own.conf']);
  });

  test('leaves a file alone that the user keeps inside the managed directory', async () => {
    await mkdir(managed);
    await writeFile(join(managed, '10-cli-config.conf'), 'maxPods: 3');
    await writeKubeletConfig(managed, 'defaults', { file: join(managed, '10-cli-config.conf') });
    expect(await readFile(join(managed, '10-cli-config.conf'), 'utf8')).toBe('maxPods: 3');
  });
});
