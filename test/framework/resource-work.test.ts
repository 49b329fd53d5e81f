import { describe, expect, test } from 'vitest';
import { ConfigMaps, type ConfigMap } from '../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../src/cluster/object.ts';
import { defineResource } from '../../src/cluster/resource.ts';
import { defineController } from '../../src/framework/controller.ts';
import { done } from '../../src/framework/outcome.ts';
import { harness } from '../../src/framework/testing/harness.ts';

interface Widget extends KubernetesObject {
  spec: { size: number };
  status?: { size?: number };
}

const Widgets = defineResource<Widget>({
  group: 'test.k3s.io',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  scope: 'Namespaced',
});

const widget = (name: string, size = 1): Widget => ({
  apiVersion: 'test.k3s.io/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  spec: { size },
});

const configMap = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
});

describe('a controller of a Kubernetes kind', () => {
  test('reconciles every object that is there at the start and each one again when it changes', async () => {
    const seen: string[] = [];
    const controller = defineController<Widget>({
      name: 'widget',
      for: Widgets,
      async reconcile(_, object) {
        seen.push(`${object.metadata.name} ${object.spec.size}`);
        return done();
      },
    });
    await using t = await harness(controller, { deps: undefined, objects: [widget('a'), widget('b')] });
    t.cluster.edit(Widgets, { namespace: 'default', name: 'b' }, (object) => {
      object.spec.size = 2;
    });
    await t.settle();
    expect(seen).toEqual(['a 1', 'b 1', 'b 2']);
    expect(configMap('x')).toBeDefined();
    expect(ConfigMaps.kind).toBe('ConfigMap');
    console.log(t.transcript({}));
  });
});
