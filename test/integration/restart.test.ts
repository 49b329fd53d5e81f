import { describe, expect } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { clusterTest } from './cluster-test.ts';
import { containersOf } from './containers.ts';
import { K3S } from './k3s-machine.ts';
import { SLEEP, toolsPod } from './pods.ts';
import { until } from './until.ts';

const test = clusterTest({ name: 'restart' });

describe('a server', () => {
  test('stops within 15 seconds, leaves pods running, and finds them again', async ({ cluster }) => {
    await cluster.apply(toolsPod('worker', SLEEP), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept' },
      data: { key: 'value' },
    });
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/worker', '--timeout=90s');
    await cluster.untilCoreDnsServes();
    const before = await containersOf(cluster);

    const began = systemClock.monotonic();
    expect(await cluster.stop()).toBe(0);
    expect(systemClock.monotonic() - began).toBeLessThan(15_000);
    expect(await cluster.processIds(/sleep 1d/)).not.toEqual([]);
    expect(await cluster.processIds(/(engine|containerd) /)).toEqual([]);

    await cluster.start();
    expect(await cluster.kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.key}')).toBe('value');
    expect(await until(() => cluster.inPod('worker', 'echo alive'))).toBe('alive\n');
    expect(await containersOf(cluster)).toEqual(before);
  });

  test('refuses to share its data directory, and says who has it', async ({ cluster }) => {
    const [holder] = await cluster.processIds(/^k3s server/);
    const { code, stderr } = await cluster.exec([K3S, 'server']);
    expect(code).toBe(1);
    expect(stderr).toContain(`is in use by process ${holder}`);
    expect(stderr).toContain('K3S_DATASTORE_LOCKED');
    expect(await cluster.kubectl('get', '--raw', '/readyz')).toBe('ok');
  });
});
