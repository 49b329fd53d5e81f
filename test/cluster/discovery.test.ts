import { describe, expect, test } from 'vitest';
import { Discovery, type GroupList } from '../../src/cluster/discovery.ts';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';

type Version = NonNullable<NonNullable<GroupList['items']>[number]['versions']>[number];

const version = (name: string, ...kinds: string[]): Version => ({
  version: name,
  freshness: 'Current',
  resources: kinds.map((kind) => ({ resource: `${kind.toLowerCase()}s`, responseKind: { kind }, scope: 'Namespaced' })),
});

/** A server whose groups a test changes, and the requests that it got. */
function server(groups: Record<string, Version[]> = { apps: [version('v1', 'Deployment')] }) {
  const clock = new VirtualClock();
  const requests: string[] = [];
  const state = { groups, down: false };
  const discovery = new Discovery({
    clock,
    async read(path, accept) {
      requests.push(path);
      expect(accept).toContain('g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
      await settle();
      if (state.down) throw new Error('down');
      if (path === '/api') return { items: [{ metadata: { name: '' }, versions: [version('v1', 'Pod')] }] };
      return { items: Object.entries(state.groups).map(([name, versions]) => ({ metadata: { name }, versions })) };
    },
  });
  return { clock, discovery, requests, state };
}

describe('discovery', () => {
  test('knows kinds by version and kind after asking once', async () => {
    const { discovery, requests } = server();
    expect(await discovery.resourceFor('apps/v1', 'Deployment')).toEqual({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      plural: 'deployments',
      scope: 'Namespaced',
    });
    expect(await discovery.resourceFor('v1', 'Pod')).toMatchObject({ group: '', plural: 'pods' });
    expect(requests).toEqual(['/api', '/apis']);
  });

  test('asks once for many questions at the same time', async () => {
    const { discovery, requests } = server();
    await Promise.all(Array.from({ length: 50 }, (_, at) => discovery.resourceFor('apps/v1', `Unknown${at}`)));
    expect(requests).toHaveLength(2);
  });

  test('asks again for a kind that it does not know, but not more than once a second', async () => {
    const { clock, discovery, requests, state } = server();
    expect(await discovery.resourceFor('example.com/v1', 'Widget')).toBeUndefined();
    state.groups['example.com'] = [version('v1', 'Widget')];
    expect(await discovery.resourceFor('example.com/v1', 'Widget')).toBeUndefined();
    expect(requests).toHaveLength(2);
    await clock.advance(1_000);
    expect(await discovery.resourceFor('example.com/v1', 'Widget')).toMatchObject({ plural: 'widgets' });
    expect(requests).toHaveLength(4);
  });

  test('asks at once when told that kinds have changed', async () => {
    const { discovery, state } = server();
    await discovery.resourceFor('v1', 'Pod');
    state.groups['example.com'] = [version('v1', 'Widget')];
    await discovery.refresh();
    expect(await discovery.resourceFor('example.com/v1', 'Widget')).toBeDefined();
    delete state.groups['example.com'];
    await discovery.refresh();
    expect(await discovery.resourceFor('example.com/v1', 'Widget')).toBeUndefined();
  });

  test('keeps the kinds of a version whose server is broken, and all others', async () => {
    const { discovery, state } = server({
      apps: [version('v1', 'Deployment')],
      'metrics.k8s.io': [version('v1', 'PodMetrics')],
    });
    await discovery.refresh();
    state.groups['metrics.k8s.io'] = [{ version: 'v1', freshness: 'Stale' }];
    await discovery.refresh();
    expect(await discovery.resourceFor('metrics.k8s.io/v1', 'PodMetrics')).toBeDefined();
    expect(await discovery.resourceFor('apps/v1', 'Deployment')).toBeDefined();
  });

  test('knows nothing of a version that has been broken from the start', async () => {
    const { discovery } = server({ 'metrics.k8s.io': [{ version: 'v1', freshness: 'Stale' }] });
    expect(await discovery.resourceFor('metrics.k8s.io/v1', 'PodMetrics')).toBeUndefined();
  });

  test('rejects when the server cannot be asked, keeps what it knows, and asks again next time', async () => {
    const { discovery, state } = server();
    await discovery.resourceFor('v1', 'Pod');
    state.down = true;
    await expect(discovery.refresh()).rejects.toThrow('down');
    expect(await discovery.resourceFor('v1', 'Pod')).toBeDefined();
    state.down = false;
    await discovery.refresh();
  });
});
