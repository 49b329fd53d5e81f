import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { isNotFound } from '../../../src/cluster/api-error.ts';
import type { KubernetesObject, ObjectRef } from '../../../src/cluster/object.ts';
import type { Resource } from '../../../src/cluster/resource.ts';
import { readReferences } from '../../../src/controllers/helm-chart/references.ts';
import type { HelmChartSpec } from '../../../src/crds/helm-chart.ts';
import { FakeCluster } from '../../../src/framework/testing/fake-cluster.ts';

const object = (
  kind: string,
  name: string,
  data: Record<string, string>,
): KubernetesObject & Record<string, unknown> => ({
  apiVersion: 'v1',
  kind,
  metadata: { namespace: 'web', name },
  data:
    kind === 'Secret'
      ? Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))
      : data,
});

const OBJECTS = [
  object('Secret', 'values', { 'b.yaml': 'b: 1', 'a.yaml': 'a: 1' }),
  object('Secret', 'auth', { username: 'me', password: 'pw' }),
  object('Secret', 'docker', { '.dockerconfigjson': '{}' }),
  object('ConfigMap', 'authorities', { one: 'PEM1', two: 'PEM2' }),
];

function start() {
  const cluster = new FakeCluster({ clock: new VirtualClock(), objects: OBJECTS });
  const tracked: string[] = [];
  const readLive = <T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> =>
    cluster.get(resource, ref).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
  const ctx = {
    readLive,
    read: <T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> => {
      tracked.push(ref.name);
      return readLive(resource, ref);
    },
  };
  return { tracked, read: (chart: HelmChartSpec) => readReferences(ctx, 'web', { chart, config: {} }) };
}

describe('what a HelmChart refers to', () => {
  test('is nothing where it names nothing', async () => {
    const nothing = {
      chartValues: [],
      configValues: [],
      certificateAuthorities: [],
      auth: undefined,
      dockerConfig: undefined,
    };
    expect(await start().read({})).toEqual(nothing);
    expect(await start().read({ authSecret: {}, valuesSecrets: [{ name: 'values' }] })).toEqual(nothing);
  });

  test('is read with values in the order of their keys', async () => {
    const { read, tracked } = start();
    const found = await read({
      valuesSecrets: [{ name: 'values', keys: ['b.yaml', 'a.yaml'] }],
      repoCA: 'PEM0',
      repoCAConfigMap: { name: 'authorities' },
      authSecret: { name: 'auth' },
      dockerRegistrySecret: { name: 'docker' },
    });
    expect(found).toEqual({
      chartValues: [
        { name: 'key b.yaml of Secret web/values', text: 'b: 1' },
        { name: 'key a.yaml of Secret web/values', text: 'a: 1' },
      ],
      configValues: [],
      certificateAuthorities: ['PEM0', 'PEM1', 'PEM2'],
      auth: { username: 'me', password: 'pw' },
      dockerConfig: '{}',
    });
    expect(tracked).toEqual(['values']);
  });

  test.each<[string, HelmChartSpec, string]>([
    ['values', { valuesSecrets: [{ name: 'none', keys: ['a'] }] }, 'Secret web/none is missing'],
    ['a key of values', { valuesSecrets: [{ name: 'values', keys: ['c'] }] }, 'key c of Secret web/values is missing'],
    ['credentials', { authSecret: { name: 'none' } }, 'Secret web/none is missing'],
    ['a registry', { dockerRegistrySecret: { name: 'auth' } }, 'key .dockerconfigjson of Secret web/auth is missing'],
    ['authorities', { repoCAConfigMap: { name: 'none' } }, 'ConfigMap web/none is missing'],
  ])('is waited for where it is missing: %s', async (_, spec, message) => {
    await expect(start().read(spec)).rejects.toMatchObject({ code: 'K3S_HELM_REFERENCE', retryable: true, message });
  });

  test('may be missing, and may change unnoticed, where updates are ignored', async () => {
    const { read, tracked } = start();
    const found = await read({
      valuesSecrets: [
        { name: 'none', keys: ['a'], ignoreUpdates: true },
        { name: 'values', keys: ['a.yaml', 'c'], ignoreUpdates: true },
      ],
    });
    expect(found.chartValues.map(({ text }) => text)).toEqual(['a: 1']);
    expect(tracked).toEqual([]);
  });
});
