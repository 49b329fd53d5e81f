import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import { readManifestObjects } from '../../../src/controllers/addons/manifest-objects.ts';
import { coreDnsHosts } from '../../../src/controllers/coredns/coredns-hosts.ts';
import { stageManifests } from '../../../src/controllers/manifests/stage.ts';
import { manifestVariables } from '../../../src/controllers/manifests/variables.ts';

const PACKAGED = new URL('../../../manifests', import.meta.url).pathname;

let to: string;

beforeEach(async () => {
  to = await mkdtemp(join(tmpdir(), 'k3s-packaged-'));
});
afterEach(() => rm(to, { recursive: true, force: true }));

async function staged(clusterDns: [string, ...string[]] = ['10.43.0.10']): Promise<Map<string, KubernetesObject[]>> {
  const variables = manifestVariables({
    clusterDns,
    clusterDomain: 'cluster.local',
    localStoragePath: '/var/lib/rancher/k3s/storage',
    systemDefaultRegistry: '',
    preferredAddressTypes: ['InternalIP', 'ExternalIP', 'Hostname'],
  });
  const { written } = await stageManifests({ from: PACKAGED, to, variables, disabled: new Set() });
  const read = async (key: string): Promise<[string, KubernetesObject[]]> => {
    const { objects, problems } = readManifestObjects(await readFile(join(to, key), 'utf8'));
    expect(problems, key).toEqual([]);
    return [key, [...objects]];
  };
  return new Map(await Promise.all(written.map(read)));
}

const named = (objects: KubernetesObject[] | undefined, kind: string, name: string): Record<string, unknown> => {
  const found = objects?.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found as unknown as Record<string, unknown>;
};

test('every packaged manifest is sound once its variables are replaced', async () => {
  expect([...(await staged()).keys()]).toEqual(['coredns.yaml', 'rolebindings.yaml']);
});

test("CoreDNS' service has the cluster's DNS address, or both of them", async () => {
  const service = named((await staged()).get('coredns.yaml'), 'Service', 'kube-dns');
  expect(service['spec']).toMatchObject({ clusterIP: '10.43.0.10', clusterIPs: ['10.43.0.10'] });
  const dual = named((await staged(['10.43.0.10', 'fd00::a'])).get('coredns.yaml'), 'Service', 'kube-dns');
  expect(dual['spec']).toMatchObject({
    clusterIPs: ['10.43.0.10', 'fd00::a'],
    ipFamilyPolicy: 'RequireDualStack',
  });
});

test('the ConfigMap of CoreDNS is the one whose hosts file is kept', async () => {
  const configMap = named((await staged()).get('coredns.yaml'), 'ConfigMap', 'coredns');
  const [label = '', value = ''] = (
    'selector' in coreDnsHosts.definition ? (coreDnsHosts.definition.selector ?? '') : ''
  ).split('=');
  expect(configMap['metadata']).toMatchObject({ labels: { [label]: value } });
  expect(Object.keys(configMap['data'] as object)).toEqual(['Corefile']);
});

test('somebody who scales CoreDNS keeps the number: the manifest has none', async () => {
  const deployment = named((await staged()).get('coredns.yaml'), 'Deployment', 'coredns');
  expect(deployment['spec']).not.toHaveProperty('replicas');
});
