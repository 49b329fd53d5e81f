import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { K3S, type K3sMachine } from './k3s-machine.ts';
import { SLEEP, toolsPod } from './pods.ts';
import { until } from './until.ts';

/** What a machine has besides its data: what killall has to bring back to how it was before the first start. */
async function traces(k3s: K3sMachine): Promise<Record<string, string>> {
  const looks = {
    processes: `ps -e -o args= | grep -E '/k3s/|containerd|coredns|pause|sleep 1d' | grep -v -E 'grep|ps -e' || true`,
    mounts: `awk '{ print $2 }' /proc/mounts | grep -E '^/(run/(k3s|netns)|var/lib/kubelet/.)' | sort || true`,
    namespaces: 'ls /run/netns /run/k3s 2>/dev/null || true',
    interfaces: `ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/' | sort`,
    nftables: 'nft list tables',
    cgroups: `find /sys/fs/cgroup -type d \\( -name '*kubepods*' -o -name 'k8s.io' \\) | sort`,
  };
  const entries = await Promise.all(
    Object.entries(looks).map(async ([name, script]) => [name, await k3s.run(script)] as const),
  );
  return Object.fromEntries(entries);
}

let untouched: Record<string, string> = {};
const test = clusterTest({
  name: 'killall',
  prepare: async (k3s) => {
    untouched = await traces(k3s);
  },
});

describe('k3s killall', () => {
  test('stops the server and every pod, and leaves nothing of them on the machine', async ({ cluster }) => {
    await cluster.apply(toolsPod('worker', SLEEP));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/worker', '--timeout=90s');
    expect((await traces(cluster))['interfaces']).toContain('cni0');
    const { code, stdout } = await cluster.exec([K3S, 'killall']);
    expect(stdout).toContain('processes ended');
    expect(code).toBe(0);
    expect(await traces(cluster)).toEqual(untouched);
  });

  test('does nothing when there is nothing to stop', async ({ cluster }) => {
    expect((await cluster.exec([K3S, 'killall'])).code).toBe(0);
    expect(await traces(cluster)).toEqual(untouched);
  });

  test('keeps the data: the next start has the same objects, and runs their pods anew', async ({ cluster }) => {
    await cluster.start();
    // Until kubelet has looked, the Pod still says what was true before.
    expect(await until(() => cluster.inPod('worker', 'echo alive'))).toBe('alive\n');
  });
});
