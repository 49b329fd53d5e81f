import assert from 'node:assert/strict';
import { ApiError } from '../../../src/cluster/api-error.ts';
import type { ClusterClient, WatchEvent, WatchOptions } from '../../../src/cluster/client.ts';
import {
  type ConfigMap,
  type CustomResourceDefinition,
  CustomResourceDefinitions,
} from '../../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import type { OpenApiSchema } from '../../../src/cluster/open-api-schema.ts';
import { defineResource, type Resource } from '../../../src/cluster/resource.ts';

/** A cluster that scenarios are run against, and what it can do beyond its API. */
export interface Subject {
  client: ClusterClient;
  /** Whether the controllers of kube-controller-manager run: garbage collection, emptying of namespaces. */
  hasControllers: boolean;
}

/** One behaviour of an API server, stated once for all that claim to have it. */
export interface Scenario {
  /** A full sentence. */
  name: string;
  needsControllers?: boolean;
  run: (test: ScenarioTest) => Promise<void>;
}

/** What a scenario works with: a namespace of its own, and a limit on its waiting. */
export interface ScenarioTest {
  client: ClusterClient;
  namespace: string;
  /** Unique among scenarios, for names of cluster-scoped objects. */
  id: string;
  signal: AbortSignal;
}

export function configMap(test: ScenarioTest, name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: test.namespace }, data };
}

/** Asserts that the server refuses with this status and reason; returns the refusal. */
export async function refused(attempt: Promise<unknown>, status: number, reason: string): Promise<ApiError> {
  const error: unknown = await attempt.then(
    () => assert.fail(`expected ${status} ${reason}, but the server accepted`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw error;
  assert.deepEqual([error.status, error.reason], [status, reason], error.message);
  return error;
}

/** The events of a watch, in order, up to the first that `isLast` recognises. */
export async function eventsUntil<T extends KubernetesObject>(
  test: ScenarioTest,
  resource: Resource<T>,
  options: WatchOptions,
  isLast: (event: WatchEvent<T>) => boolean,
  onOpen: () => Promise<unknown> = async () => {},
): Promise<WatchEvent<T>[]> {
  const events: WatchEvent<T>[] = [];
  let opened: Promise<unknown> | undefined;
  const watch = test.client.watch(resource, {
    ...options,
    signal: test.signal,
    onOpen: () => {
      opened = onOpen();
    },
  });
  for await (const event of watch) {
    events.push(event);
    if (isLast(event)) break;
  }
  await opened;
  return events;
}

/** `ADDED a`, `DELETED b`, `BOOKMARK`: what a test says about events. */
export function summary(events: readonly WatchEvent<KubernetesObject>[]): string[] {
  return events.map((event) =>
    event.type === 'BOOKMARK' ? 'BOOKMARK' : `${event.type} ${event.object.metadata.name}`,
  );
}

export interface Widget extends KubernetesObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** Defines a kind of the scenario's own, waits until it is served, and returns it. */
export async function defineWidgets(
  test: ScenarioTest,
  properties: Record<string, OpenApiSchema>,
  options: { status?: boolean } = {},
): Promise<Resource<Widget>> {
  const group = `${test.id}.example.com`;
  const definition: CustomResourceDefinition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties } },
          ...(options.status === true ? { subresources: { status: {} } } : {}),
        },
      ],
    },
  };
  await test.client.create(CustomResourceDefinitions, definition);
  await untilEstablished(test, definition.metadata.name ?? '');
  const widgets = defineResource<Widget>({
    group,
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    scope: 'Namespaced',
  });
  await untilServed(test, widgets);
  return widgets;
}

export async function untilEstablished(test: ScenarioTest, name: string): Promise<void> {
  await eventsUntil(
    test,
    CustomResourceDefinitions,
    { fieldSelector: `metadata.name=${name}` },
    (event) =>
      event.type !== 'BOOKMARK' &&
      (event.object.status?.conditions ?? []).some(({ type, status }) => type === 'Established' && status === 'True'),
  );
}

/** A real server serves a kind a moment after calling it established. */
async function untilServed(test: ScenarioTest, widgets: Resource<Widget>): Promise<void> {
  for (;;) {
    test.signal.throwIfAborted();
    const served = await test.client.list(widgets, { namespace: test.namespace }).catch(() => undefined);
    if (served !== undefined) return;
  }
}

export function widget(
  test: ScenarioTest,
  widgets: Resource,
  name: string,
  spec: Record<string, unknown> = {},
): Widget {
  return { apiVersion: `${widgets.group}/v1`, kind: 'Widget', metadata: { name, namespace: test.namespace }, spec };
}
