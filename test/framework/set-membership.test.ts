import { describe, expect, test } from 'vitest';
import { ConfigMaps, Nodes } from '../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../src/cluster/object.ts';
import { defineResource } from '../../src/cluster/resource.ts';
import { isMember, membershipOf, ownerIn, ownersOf, survivesPruning } from '../../src/framework/set-membership.ts';

const Addons = defineResource<KubernetesObject>({
  group: 'k3s.cattle.io',
  version: 'v1',
  kind: 'Addon',
  plural: 'addons',
  scope: 'Namespaced',
});
const addon: KubernetesObject = {
  apiVersion: 'k3s.cattle.io/v1',
  kind: 'Addon',
  metadata: { namespace: 'kube-system', name: 'coredns' },
};
const object = (metadata: KubernetesObject['metadata']): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', namespace: 'default', ...metadata },
});

describe('membershipOf', () => {
  test('is what k3s gives to the objects of its Addon coredns', () => {
    // The label on the objects of a real k3s's coredns, the same in every cluster.
    expect(membershipOf(addon, '').hash).toBe('bce283298811743a0386ab510f2f67ef74240c57');
    expect(membershipOf(addon, '')).toMatchObject({
      selector: 'objectset.rio.cattle.io/hash=bce283298811743a0386ab510f2f67ef74240c57',
      annotations: {
        'objectset.rio.cattle.io/id': '',
        'objectset.rio.cattle.io/owner-gvk': 'k3s.cattle.io/v1, Kind=Addon',
        'objectset.rio.cattle.io/owner-name': 'coredns',
        'objectset.rio.cattle.io/owner-namespace': 'kube-system',
      },
    });
  });

  test('tells sets and owners apart', () => {
    const other = { ...addon, metadata: { ...addon.metadata, name: 'traefik' } };
    const hashes = [membershipOf(addon, ''), membershipOf(addon, 'uninstall'), membershipOf(other, '')];
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(3);
  });

  test('is recognised by its label alone', () => {
    const membership = membershipOf(addon, '');
    expect(isMember(object({ labels: { ...membership.labels } }), membership)).toBe(true);
    expect(isMember(object({ annotations: { ...membership.annotations } }), membership)).toBe(false);
  });
});

describe('ownersOf', () => {
  test('finds owners by reference, in the namespace of the object', () => {
    const ownerReferences = [{ apiVersion: 'k3s.cattle.io/v1', kind: 'Addon', name: 'a', uid: '1' }];
    expect(ownersOf(object({ ownerReferences }), Addons)).toEqual([{ namespace: 'default', name: 'a' }]);
  });

  test('finds cluster-scoped owners', () => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: '1' }];
    expect(ownersOf(object({ ownerReferences }), Nodes)).toEqual([{ name: 'n' }]);
  });

  test('finds owners by set, whatever version the owner had', () => {
    const annotations = { ...membershipOf({ ...addon, apiVersion: 'k3s.cattle.io/v1beta1' }, '').annotations };
    expect(ownersOf(object({ annotations }), Addons)).toEqual([{ namespace: 'kube-system', name: 'coredns' }]);
  });

  test('does not take a kind of the same name in another group for the owner', () => {
    const ownerReferences = [{ apiVersion: 'other.io/v1', kind: 'Addon', name: 'a', uid: '1' }];
    const annotations = { ...membershipOf({ ...addon, apiVersion: 'other.io/v1' }, '').annotations };
    expect(ownersOf(object({ ownerReferences, annotations }), Addons)).toEqual([]);
    expect(ownersOf(object({}), ConfigMaps)).toEqual([]);
  });
});

test('the owner is named for people', () => {
  expect(ownerIn(object({ annotations: { ...membershipOf(addon, '').annotations } }))).toBe(
    'Addon kube-system/coredns',
  );
  expect(ownerIn(object({}))).toBeUndefined();
});

test('an object can ask to outlive its set', () => {
  expect(survivesPruning(object({ labels: { 'objectset.rio.cattle.io/prune': 'false' } }))).toBe(true);
  expect(survivesPruning(object({ annotations: { 'objectset.rio.cattle.io/prune': 'false' } }))).toBe(true);
  expect(survivesPruning(object({ labels: { 'objectset.rio.cattle.io/prune': 'true' } }))).toBe(false);
});
