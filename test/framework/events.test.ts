import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { settle, VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { Events } from '../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../src/cluster/object.ts';
import { EventWriter } from '../../src/framework/events.ts';
import { FakeCluster } from '../../src/framework/testing/fake-cluster.ts';

const MINUTE = 60_000;
const node = (name: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: `uid of ${name}` },
});
const addon: KubernetesObject = {
  apiVersion: 'k3s.cattle.io/v1',
  kind: 'Addon',
  metadata: { namespace: 'kube-system', name: 'coredns', uid: '1' },
};

function start() {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  const events = new EventWriter({ client: cluster, clock, log: silentLogger, instance: 'server-1' });
  const record = (message = 'applied', regarding = addon): void =>
    events.record({ controller: 'addon', type: 'Normal', reason: 'Applied', message, regarding });
  return { clock, cluster, events, record, written: () => cluster.objects(Events) };
}

describe('EventWriter', () => {
  test('writes an Event in the namespace of what it regards', async () => {
    const t = start();
    t.record();
    await settle();
    expect(t.written()).toMatchObject([
      {
        apiVersion: 'events.k8s.io/v1',
        metadata: { namespace: 'kube-system' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'addon',
        reportingInstance: 'server-1',
        action: 'Reconcile',
        type: 'Normal',
        reason: 'Applied',
        note: 'applied',
        regarding: {
          apiVersion: 'k3s.cattle.io/v1',
          kind: 'Addon',
          namespace: 'kube-system',
          name: 'coredns',
          uid: '1',
        },
      },
    ]);
    expect(t.written()[0]?.series).toBeUndefined();
  });

  test('writes Events about cluster-scoped objects to the default namespace, under a name that is allowed', async () => {
    const t = start();
    t.record('applied', node('system:Node'));
    await settle();
    expect(t.written()[0]?.metadata).toMatchObject({
      namespace: 'default',
      name: expect.stringMatching(/^system-node\.[0-9a-f]+$/),
    });
  });

  test('makes repetitions a series of the first, written at most once a minute', async () => {
    const t = start();
    for (let i = 0; i < 10; i++) {
      t.record();
      await t.clock.advance(10_000);
    }
    await t.clock.advance(MINUTE);
    expect(t.written()).toHaveLength(1);
    expect(t.written()[0]?.series).toMatchObject({ count: 10 });
    expect(t.cluster.calls.filter(({ verb }) => verb === 'patch')).toHaveLength(2);
    expect(t.clock.pendingTimers).toBe(0);
  });

  test('begins a new Event after six quiet minutes', async () => {
    const t = start();
    t.record();
    await t.clock.advance(5 * MINUTE);
    t.record();
    await t.clock.advance(7 * MINUTE);
    t.record();
    await settle();
    expect(t.written().map(({ series }) => series?.count)).toEqual([2, undefined]);
  });

  test('takes another message, object, reason or type as another Event', async () => {
    const t = start();
    t.record('one');
    t.record('two');
    t.record('one', node('a'));
    t.record('one', node('b'));
    await settle();
    expect(t.written()).toHaveLength(4);
  });

  test('writes the series anew when the server has dropped the Event', async () => {
    const t = start();
    t.record();
    await settle();
    const [event] = t.written();
    t.cluster.remove(Events, { namespace: 'kube-system', name: event?.metadata.name ?? '' });
    t.record();
    await t.clock.advance(MINUTE);
    expect(t.written()).toMatchObject([{ series: { count: 2 } }]);
  });

  test('shortens a message that is too long for an Event', async () => {
    const t = start();
    t.record('x'.repeat(3000));
    await settle();
    expect(t.written()[0]?.note).toMatch(/^x{1023}…$/);
  });

  test('goes on after a write that failed', async () => {
    const t = start();
    t.cluster.fault({ verb: 'create', status: 500 });
    t.record('one');
    t.record('two');
    await settle();
    expect(t.written().map(({ note }) => note)).toEqual(['two']);
  });

  test('gives up on a server that does not answer, and keeps a bounded number of writes waiting', async () => {
    const t = start();
    t.cluster.fault({ verb: 'create', delay: 3_600_000 });
    for (let i = 0; i < 1000; i++) t.record(String(i));
    await t.clock.advance(10_000);
    expect(t.written()).toHaveLength(499);
  });

  test('writes what waits for its interval when it is closed', async () => {
    const t = start();
    t.record();
    t.record();
    await t.events[Symbol.asyncDispose]();
    expect(t.written()).toMatchObject([{ series: { count: 2 } }]);
    expect(t.clock.pendingTimers).toBe(0);
  });
});
