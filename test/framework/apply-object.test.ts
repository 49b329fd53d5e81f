import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { ConfigMaps, type ConfigMap } from '../../src/cluster/kinds.ts';
import { applyObject, manifestOf, type ApplyClient } from '../../src/framework/apply-object.ts';
import { membershipOf } from '../../src/framework/set-membership.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

const membership = membershipOf(
  { apiVersion: 'k3s.cattle.io/v1', kind: 'Addon', metadata: { namespace: 'kube-system', name: 'demo' } },
  '',
);
const ref = { namespace: 'default', name: 'a' };
const wanted: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { kept: '2' } };
const options = { fieldManager: 'addon', force: true, dryRun: false, adopt: false, recreate: false, membership };

/** A cluster whose ConfigMap was applied by a former k3s and edited by a user; JSON patches are noted and not carried out. */
async function formerCluster() {
  const cluster = new FakeCluster({ clock: new VirtualClock() });
  const former: ConfigMap = {
    ...wanted,
    metadata: {
      ...ref,
      labels: { ...membership.labels },
      annotations: { ...membership.annotations, 'objectset.rio.cattle.io/applied': 'H4sI…' },
    },
    data: { kept: '1', dropped: '1' },
  };
  const edit = { type: 'merge', body: { data: { users: '1' } } } as const;
  await cluster.create(ConfigMaps, former, { fieldManager: 'kubectl-create' });
  await cluster.replace(ConfigMaps, former, { fieldManager: 'other' });
  await cluster.patch(ConfigMaps, ref, edit, { fieldManager: 'kubectl-edit' });
  const patches: unknown[] = [];
  const client: ApplyClient = {
    get: cluster.get.bind(cluster),
    apply: cluster.apply.bind(cluster),
    delete: cluster.delete.bind(cluster),
    patch: (resource, where, patch) => {
      patches.push(patch);
      return cluster.get(resource, where);
    },
  };
  return { cluster, client, patches };
}

describe('applyObject', () => {
  test('makes the fields that a former k3s owned its own before it applies', async () => {
    const { cluster, client, patches } = await formerCluster();
    const { resourceVersion } = cluster.object(ConfigMaps, ref)?.metadata ?? {};
    const manifest = manifestOf(wanted, ref, membership, undefined);
    await expect(applyObject(client, ConfigMaps, manifest, options)).resolves.toMatchObject({ action: 'updated' });
    expect(patches).toEqual([
      {
        type: 'json',
        body: [
          { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
          { op: 'replace', path: '/metadata/managedFields/0/manager', value: 'addon' },
          { op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Apply' },
        ],
      },
    ]);
  });

  test('does that once, and not for a dry run', async () => {
    const { client, patches } = await formerCluster();
    const manifest = manifestOf(wanted, ref, membership, undefined);
    await applyObject(client, ConfigMaps, manifest, { ...options, dryRun: true });
    expect(patches).toHaveLength(0);
    await applyObject(client, ConfigMaps, manifest, options);
    await applyObject(client, ConfigMaps, manifest, options);
    expect(patches).toHaveLength(1);
  });
});
