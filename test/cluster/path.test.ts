import { expect, test } from 'vitest';
import { ClusterRoles, ConfigMaps, Deployments } from '../../src/cluster/kinds.ts';
import { collectionPathOf, pathOf } from '../../src/cluster/path.ts';

test('core kinds are under /api, all others under /apis with their group', () => {
  expect(pathOf(ConfigMaps, { namespace: 'default', name: 'a' })).toBe('/api/v1/namespaces/default/configmaps/a');
  expect(pathOf(Deployments, { namespace: 'default', name: 'a' }, 'status')).toBe(
    '/apis/apps/v1/namespaces/default/deployments/a/status',
  );
  expect(pathOf(Deployments)).toBe('/apis/apps/v1/deployments');
  expect(pathOf(Deployments, { namespace: 'x' })).toBe('/apis/apps/v1/namespaces/x/deployments');
});

test('names keep their case and are escaped', () => {
  expect(pathOf(ClusterRoles, { name: 'system:My Role' })).toBe(
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3AMy%20Role',
  );
});

test('a namespaced object without a namespace and a cluster-scoped one with it are refused, with the kind named', () => {
  expect(() => pathOf(ConfigMaps, { name: 'a' })).toThrow('ConfigMap a lives in a namespace, and none was given');
  expect(() => pathOf(ClusterRoles, { namespace: 'x', name: 'a' })).toThrow(
    'ClusterRole.rbac.authorization.k8s.io a has no namespaces',
  );
  expect(() => collectionPathOf(Deployments, undefined)).toThrow('Deployment.apps lives in a namespace');
  expect(collectionPathOf(ClusterRoles, undefined)).toBe('/apis/rbac.authorization.k8s.io/v1/clusterroles');
});
