import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stageManifests, substitute } from '../../../src/controllers/manifests/stage.ts';
import { manifestVariables, type ManifestSettings } from '../../../src/controllers/manifests/variables.ts';

let base: string;
let from: string;
let to: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'k3s-stage-'));
  from = join(base, 'packaged');
  to = join(base, 'server', 'manifests');
  await mkdir(join(from, 'metrics-server'), { recursive: true });
  await writeFile(join(from, 'coredns.yaml'), 'ip: %{CLUSTER_DNS}%\n');
  await writeFile(join(from, 'metrics-server', 'rbac.yaml'), 'a: 1\n');
});
afterEach(() => rm(base, { recursive: true, force: true }));

const stage = (disabled: string[] = []) =>
  stageManifests({ from, to, variables: { CLUSTER_DNS: '10.43.0.10' }, disabled: new Set(disabled) });

describe('staging packaged manifests', () => {
  test('writes them with their variables replaced, readable by root only', async () => {
    expect(await stage()).toEqual({ written: ['coredns.yaml', 'metrics-server/rbac.yaml'], removed: [] });
    expect(await readFile(join(to, 'coredns.yaml'), 'utf8')).toBe('ip: 10.43.0.10\n');
    expect((await stat(join(to, 'coredns.yaml'))).mode & 0o777).toBe(0o600);
    expect((await stat(to)).mode & 0o777).toBe(0o700);
    expect((await readdir(to)).sort()).toEqual(['coredns.yaml', 'metrics-server']);
  });

  test('leaves a file alone that is right already', async () => {
    await stage();
    const before = await stat(join(to, 'coredns.yaml'));
    expect((await stage()).written).toEqual([]);
    expect((await stat(join(to, 'coredns.yaml'))).ctimeMs).toBe(before.ctimeMs);
  });

  test('restores a file that a user changed, and keeps the files of users', async () => {
    await stage();
    await writeFile(join(to, 'coredns.yaml'), 'mine');
    await writeFile(join(to, 'user.yaml'), 'cpu: %{CLUSTER_DNS}%');
    expect((await stage()).written).toEqual(['coredns.yaml']);
    expect(await readFile(join(to, 'user.yaml'), 'utf8')).toBe('cpu: %{CLUSTER_DNS}%');
  });

  test('removes what is disabled by file name or folder, whoever put it there', async () => {
    await stage();
    await writeFile(join(to, 'local-storage.yml'), 'a: 1');
    expect(await stage(['coredns', 'metrics-server', 'local-storage'])).toEqual({
      written: [],
      removed: ['coredns.yaml', 'local-storage.yml', 'metrics-server/rbac.yaml'],
    });
  });

  test('does not remove through a link', async () => {
    await stage();
    await mkdir(join(base, 'outside'));
    await writeFile(join(base, 'outside', 'a.yaml'), 'a: 1');
    await symlink(join(base, 'outside'), join(to, 'extra'));
    expect((await stage(['extra'])).removed).toEqual([]);
    expect(await readdir(join(base, 'outside'))).toEqual(['a.yaml']);
  });

  test('says which file could not be written', async () => {
    await mkdir(join(to, 'coredns.yaml'), { recursive: true });
    await expect(stage()).rejects.toMatchObject({
      code: 'K3S_MANIFEST_STAGE',
      message: expect.stringContaining(join(to, 'coredns.yaml')),
    });
  });
});

describe('variables', () => {
  const settings: ManifestSettings = {
    clusterDns: ['10.43.0.10'],
    clusterDomain: 'cluster.local',
    localStoragePath: '/var/lib/rancher/k3s/storage',
    systemDefaultRegistry: '',
    preferredAddressTypes: ['InternalIP', 'ExternalIP', 'Hostname'],
  };

  test("are k3s's", () => {
    expect(manifestVariables(settings)).toMatchObject({
      CLUSTER_DNS: '10.43.0.10',
      CLUSTER_DNS_LIST: '[10.43.0.10]',
      CLUSTER_DNS_IPFAMILYPOLICY: 'SingleStack',
      CLUSTER_DOMAIN: 'cluster.local',
      DEFAULT_LOCAL_STORAGE_PATH: '/var/lib/rancher/k3s/storage',
      SYSTEM_DEFAULT_REGISTRY: '',
      SYSTEM_DEFAULT_REGISTRY_RAW: '',
      PREFERRED_ADDRESS_TYPES: 'InternalIP,ExternalIP,Hostname',
    });
  });

  test('two DNS addresses ask for a dual-stack service', () => {
    expect(manifestVariables({ ...settings, clusterDns: ['10.43.0.10', 'fd00::a'] })).toMatchObject({
      CLUSTER_DNS: '10.43.0.10',
      CLUSTER_DNS_LIST: '[10.43.0.10,fd00::a]',
      CLUSTER_DNS_IPFAMILYPOLICY: 'RequireDualStack',
    });
  });

  test('images come from our archive unless a registry is given', () => {
    expect(manifestVariables(settings)['COREDNS_IMAGE']).toMatch(/^k3s\.local\/coredns:/);
    const mirrored = manifestVariables({ ...settings, systemDefaultRegistry: 'registry.example:5000' });
    expect(mirrored['COREDNS_IMAGE']).toMatch(/^registry\.example:5000\/rancher\/mirrored-coredns-coredns:/);
    expect(mirrored['SYSTEM_DEFAULT_REGISTRY']).toBe('registry.example:5000/');
  });

  test('an unknown variable is an error that names it', () => {
    expect(() => substitute('a: %{CLUSTER_DSN}%', { CLUSTER_DNS: 'x' }, 'coredns.yaml')).toThrow(
      'packaged manifest coredns.yaml: there is no variable CLUSTER_DSN',
    );
  });
});
