import type { Deployment, Job } from '../../../src/cluster/kinds.ts';
import type { ScenarioTest } from './scenario.ts';

type Container = NonNullable<Deployment['spec']>['template']['spec'] extends infer Spec | undefined
  ? Spec extends { containers: (infer Item)[] }
    ? Item
    : never
  : never;

/** A deployment with one container, which `container` adds to. */
export function deployment(test: ScenarioTest, name: string, container: Partial<Container> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: test.namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image: 'example.com/main:1', ...container }] },
      },
    },
  };
}

/** A job that nothing will run to its end. */
export function job(test: ScenarioTest, name: string): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: test.namespace },
    spec: {
      suspend: true,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/main:1' }] } },
    },
  };
}
