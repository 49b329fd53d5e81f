import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { K3S, type K3sMachine } from './k3s-machine.ts';
import { SLEEP, toolsPod } from './pods.ts';
import { until } from './until.ts';

/** Everything that a machine has besides its files: killall has to bring it back to how it was before the first start. */
async function traces(k3s: K3sMachine): Promise<Record<string, string[]>> {
  const looks = {
    // All but those that look.
    processes: `ps -e -o pid= -o ppid= -o args= | awk -v own=$$ '$1 != own && $2 != own { $1 = $2 = ""; print }'`,
    mounts: `awk '{ print $5, $9 }' /proc/self/mountinfo`,
    namespaces: 'lsns --noheadings --output TYPE,COMMAND',
    interfaces: 'ip -o link | cut -d: -f2',
    addresses: 'ip -o address | cut -d" " -f2-7',
    routes: 'ip route; ip -6 route',
    packetRules: 'nft list ruleset',
    cgroups: 'find /sys/fs/cgroup -type d',
    files: 'find /run/k3s /run/flannel /var/lib/cni -type f 2>/dev/null || true',
  };
  const found: Record<string, string[]> = {};
  for (const [name, script] of Object.entries(looks)) found[name] = (await k3s.run(script)).split('\n').toSorted();
  return found;
}

let untouched: Record<string, string[]> = {};
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
    const { interfaces, processes, mounts, packetRules, cgroups, files } = await traces(cluster);
    expect(interfaces).toContain(' cni0');
    for (const [name, found] of Object.entries({ processes, mounts, packetRules, cgroups, files })) {
      expect(found?.length, name).toBeGreaterThan(untouched[name]?.length ?? Infinity);
    }
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
