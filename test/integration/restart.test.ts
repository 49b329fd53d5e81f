import { describe, expect } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { clusterTest } from './cluster-test.ts';
import { K3S, type K3sMachine } from './k3s-machine.ts';
import { SLEEP, toolsPod } from './pods.ts';

const test = clusterTest({ name: 'restart' });

/** Container ids of every pod by container name, and how often each was restarted. */
async function containers(cluster: K3sMachine): Promise<Record<string, string>> {
  const { items } = await cluster.get<{
    items: {
      metadata: { name: string };
      status: { containerStatuses?: { containerID: string; restartCount: number }[] };
    }[];
  }>('pods', '--all-namespaces');
  return Object.fromEntries(
    items.map(({ metadata, status }) => [
      metadata.name,
      (status.containerStatuses ?? []).map(({ containerID, restartCount }) => `${containerID} ${restartCount}`).join(),
    ]),
  );
}

describe('a server', () => {
  test('stops within 15 seconds, leaves pods running, and finds them again', async ({ cluster }) => {
    await cluster.apply(toolsPod('worker', SLEEP), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kept' },
      data: { key: 'value' },
    });
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/worker', '--timeout=90s');
    await cluster.kubectl('rollout', 'status', '-n', 'kube-system', 'deployment/coredns', '--timeout=90s');
    const before = await containers(cluster);

    const began = systemClock.monotonic();
    expect(await cluster.stop()).toBe(0);
    expect(systemClock.monotonic() - began).toBeLessThan(15_000);
    expect(await cluster.processIds(/sleep 1d/)).not.toEqual([]);
    expect(await cluster.processIds(/(engine|containerd) /)).toEqual([]);

    await cluster.start();
    expect(await containers(cluster)).toEqual(before);
    expect(await cluster.kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.key}')).toBe('value');
    expect(await cluster.inPod('worker', 'echo alive')).toBe('alive\n');
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
