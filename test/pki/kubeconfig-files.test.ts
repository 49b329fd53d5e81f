import { KubeConfig } from '@kubernetes/client-node';
import { lstat, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { writeAdminKubeconfig, writeNodeKubeconfigs, writeServerKubeconfigs } from '../../src/pki/kubeconfig-files.ts';
import { ensureNodePki, ensureServerPki, type NodePki, type ServerPki } from '../../src/pki/server-pki.ts';

async function setUp(): Promise<{ dataDir: string; pki: ServerPki; nodePki: NodePki }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'k3s-kubeconfig-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const node = { nodeName: 'n', nodeIps: [], nodeExternalIps: [], clusterDomain: 'cluster.local', serverNames: [] };
  const options = { dataDir, node, clock: new VirtualClock(), log: silentLogger, leafLifetime: 365 * 86_400_000 };
  const pki = await ensureServerPki(options);
  return { dataDir, pki, nodePki: await ensureNodePki(pki.authorities, options) };
}

function load(path: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return config;
}

describe("components' kubeconfigs", () => {
  test('of a server refer to its files, and are private', async () => {
    const { dataDir, pki } = await setUp();
    const paths = await writeServerKubeconfigs(pki, dataDir, { server: 'https://127.0.0.1:6444' });
    expect(Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, path.slice(dataDir.length)]))).toEqual(
      {
        admin: '/server/cred/admin.kubeconfig',
        supervisor: '/server/cred/supervisor.kubeconfig',
        controllerManager: '/server/cred/controller.kubeconfig',
        scheduler: '/server/cred/scheduler.kubeconfig',
        apiServerClient: '/server/cred/api-server.kubeconfig',
        cloudController: '/server/cred/cloud-controller.kubeconfig',
      },
    );
    const config = load(paths.scheduler);
    expect(config.getCurrentContext()).toBe('Default');
    expect(config.getContextObject('Default')).toEqual({
      name: 'Default',
      cluster: 'local',
      user: 'user',
      namespace: 'default',
    });
    expect(config.getCurrentCluster()).toMatchObject({
      server: 'https://127.0.0.1:6444',
      caFile: pki.authorities.server.certificateFile,
      tlsServerName: undefined,
    });
    expect(config.getCurrentUser()).toMatchObject({
      certFile: pki.leaves.scheduler.certificateFile,
      keyFile: pki.leaves.scheduler.keyFile,
    });
    expect((await stat(paths.scheduler)).mode & 0o777).toBe(0o600);
  });

  test('of a node may go through the front, by the name that it passes straight on', async () => {
    const { nodePki } = await setUp();
    const paths = await writeNodeKubeconfigs(nodePki, {
      server: 'https://127.0.0.1:6443',
      tlsServerName: 'kubernetes',
    });
    expect(paths).toEqual({
      kubelet: join(nodePki.directory, 'kubelet.kubeconfig'),
      kubeProxy: join(nodePki.directory, 'kubeproxy.kubeconfig'),
      nodeController: join(nodePki.directory, 'k3scontroller.kubeconfig'),
    });
    const config = load(paths.kubelet);
    expect(config.getCurrentCluster()).toMatchObject({
      server: 'https://127.0.0.1:6443',
      tlsServerName: 'kubernetes',
      caFile: nodePki.serverAuthorityFile,
    });
    expect(config.getCurrentUser()?.certFile).toBe(nodePki.leaves.kubelet.certificateFile);
  });
});

describe("the administrator's kubeconfig", () => {
  const endpoint = { server: 'https://127.0.0.1:6443', tlsServerName: 'kubernetes' };

  test('is complete in itself and goes to the usual place', async () => {
    const { dataDir, pki } = await setUp();
    const usualPath = join(dataDir, 'etc/k3s.yaml');
    const path = await writeAdminKubeconfig(pki, { ...endpoint, path: undefined, mode: 0o600, usualPath });
    expect(path).toBe(usualPath);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const config = load(path);
    expect(config.getCurrentContext()).toBe('default');
    const text = (data: string | undefined): string => Buffer.from(data ?? '', 'base64').toString();
    expect(text(config.getCurrentCluster()?.caData)).toBe(pki.authorities.server.bundle);
    expect(text(config.getCurrentUser()?.certData)).toBe(pki.leaves.admin.certificatePem);
    expect(text(config.getCurrentUser()?.keyData)).toBe(pki.leaves.admin.keyPem);
  });

  test('may go elsewhere, with a link in the usual place instead of what was there', async () => {
    const { dataDir, pki } = await setUp();
    const usualPath = join(dataDir, 'k3s.yaml');
    await writeFile(usualPath, 'old');
    const path = join(dataDir, 'shared/kubeconfig');
    await writeAdminKubeconfig(pki, { ...endpoint, path, mode: 0o640, usualPath });
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readlink(usualPath)).toBe(path);
  });

  test('comes back to the usual place without writing through the link', async () => {
    const { dataDir, pki } = await setUp();
    const usualPath = join(dataDir, 'k3s.yaml');
    const path = join(dataDir, 'elsewhere');
    await writeAdminKubeconfig(pki, { ...endpoint, path, mode: 0o600, usualPath });
    const elsewhere = await readFile(path, 'utf8');
    await writeAdminKubeconfig(pki, { server: 'https://[::1]:7443', path: undefined, mode: 0o644, usualPath });
    expect((await lstat(usualPath)).isSymbolicLink()).toBe(false);
    expect(load(usualPath).getCurrentCluster()?.server).toBe('https://[::1]:7443');
    expect(await readFile(path, 'utf8')).toBe(elsewhere);
  });
});
