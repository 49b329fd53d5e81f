import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cniConflist } from '../../src/node/cni-config.ts';
import { containerdConfig, crictlConfig } from '../../src/node/containerd-config.ts';
import { createMachine, type Machine, type MachineProcess } from '../machine.ts';

const root = resolve(import.meta.dirname, '../..');
const components = join(root, '.cache/components/out');
const programs = join(components, 'bin');
const AGENT = '/var/lib/rancher/k3s/agent';
const SOCKET = '/run/k3s/containerd/containerd.sock';

const { images } = JSON.parse(readFileSync(join(components, 'components.json'), 'utf8')) as {
  images: { reference: string; path: string }[];
};
const referenceOf = (name: string): string =>
  images.find(({ reference }) => reference.includes(`/${name}:`))?.reference ?? name;

/** Runs an expression with exports of src/node in scope, in the machine, and returns what it resolves to. */
async function evaluate<T>(machine: Machine, modules: readonly string[], expression: string): Promise<T> {
  const imports = modules.map((module) => `...await import('${join(root, 'src', module)}')`).join(', ');
  const script = `(async () => { const m = { ${imports} }; console.log(JSON.stringify(await ${expression})); })()`;
  return JSON.parse(await machine.run(['node', '-e', script])) as T;
}

const importAll = (machine: Machine, snapshotter: string): Promise<{ imported: unknown[]; unchanged: string[] }> =>
  evaluate(
    machine,
    ['node/images.ts', 'node/image-store.ts', 'core/log.ts'],
    `m.linkComponentImages('${AGENT}/images', ${JSON.stringify(images)}.map((image) => ({ ...image, path: '${components}/' + image.path })))
      .then(() => m.importImages('${AGENT}/images',
        m.ctrImageStore({ command: ['${programs}/engine', 'ctr'], socket: '${SOCKET}', snapshotter: '${snapshotter}' }), m.silentLogger))`,
  );

async function startContainerd(machine: Machine, snapshotter = 'overlayfs'): Promise<MachineProcess> {
  const config = containerdConfig({
    root: `${AGENT}/containerd`,
    state: '/run/k3s/containerd',
    configDirectory: `${AGENT}/etc/containerd`,
    runc: join(programs, 'runc'),
    snapshotter,
    pauseImage: referenceOf('pause'),
    cni: { binDirectories: [join(components, 'cni')], configDirectory: `${AGENT}/etc/cni/net.d` },
    cgroupDriver: 'cgroupfs',
    restrictOomScore: true,
    debug: false,
  });
  await machine.writeFile(`${AGENT}/etc/containerd/config.toml`, config);
  await machine.writeFile('/etc/crictl.yaml', crictlConfig('/run/k3s/containerd'));
  const environment = { PATH: `${programs}:/usr/sbin:/usr/bin:/sbin:/bin` };
  const command = [join(programs, 'engine'), 'containerd', '--config', `${AGENT}/etc/containerd/config.toml`];
  const containerd = await machine.spawn(command, { environment });
  await new Promise<void>((resolve, reject) => {
    let log = '';
    containerd.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('containerd successfully booted')) resolve();
    });
    void containerd.exited.then((code) => reject(new Error(`containerd ended with ${code}: ${log.slice(-2000)}`)));
  });
  return containerd;
}

/** A pod with CoreDNS, which answers on port 5353, and on 8053 of the machine. Returns the pod's and the container's id. */
async function startPod(machine: Machine): Promise<{ pod: string; container: string }> {
  const conflist = cniConflist({ podCIDRs: ['10.42.0.0/24'], mtu: 1450, packetFilter: 'nftables' });
  await machine.writeFile(`${AGENT}/etc/cni/net.d/10-flannel.conflist`, conflist);
  const sandbox = {
    metadata: { name: 'dns', uid: 'u1', namespace: 'default' },
    log_directory: '/var/log/pods/dns',
    port_mappings: [{ container_port: 5353, host_port: 8053 }],
    linux: { cgroup_parent: '/kubepods/burstable/podu1' },
  };
  const container = {
    metadata: { name: 'dns' },
    image: { image: referenceOf('coredns') },
    args: ['-dns.port=5353'],
    log_path: 'dns.log',
    linux: {
      resources: { memory_limit_in_bytes: 128 * 2 ** 20, oom_score_adj: -997 },
      security_context: { seccomp: { profile_type: 0 } },
    },
  };
  await machine.writeFile('/run/pod.json', JSON.stringify(sandbox));
  await machine.writeFile('/run/container.json', JSON.stringify(container));
  const crictl = join(programs, 'crictl');
  const pod = (await machine.run(`${crictl} runp /run/pod.json`)).trim();
  const id = (await machine.run(`${crictl} create ${pod} /run/container.json /run/pod.json`)).trim();
  await machine.run(`${crictl} start ${id}`);
  return { pod, container: id };
}

/** Whether something accepts connections there, tried until it does. */
const connects = (machine: Machine, address: string, port: number): Promise<string> => {
  const attempt = `const t = () => require('net').connect(${port}, '${address}', () => { console.log('yes'); process.exit(); }).on('error', () => setTimeout(t, 50)); t()`;
  return machine.run(['node', '-e', attempt], { signal: AbortSignal.timeout(20_000) });
};

const runningContainers = async (machine: Machine): Promise<string> =>
  (await machine.run(`${join(programs, 'crictl')} ps --quiet --no-trunc`)).trim();

describe('containerd, as we configure it', () => {
  test.each(['overlayfs', 'native'])('runs a pod on our network with the %s snapshotter', async (snapshotter) => {
    await using machine = await createMachine({ name: 'runtime' });
    await startContainerd(machine, snapshotter);
    expect((await importAll(machine, snapshotter)).imported).toHaveLength(images.length);
    const { container } = await startPod(machine);
    await connects(machine, '10.42.0.2', 5353);
    await connects(machine, machine.address, 8053);
    const inspected = JSON.parse(await machine.run(`${join(programs, 'crictl')} inspect ${container}`)) as {
      info: { pid: number };
    };
    const status = await machine.readFile(`/proc/${inspected.info.pid}/status`);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
    expect(await machine.readFile(`/proc/${inspected.info.pid}/cgroup`)).toContain(
      `/kubepods/burstable/podu1/${container}`,
    );
    expect(await machine.run('ip -o link show cni0')).toContain('mtu 1450');
  });

  test('leaves containers running when it ends, and finds them and its images again', async () => {
    await using machine = await createMachine({ name: 'runtime' });
    const first = await startContainerd(machine);
    await importAll(machine, 'overlayfs');
    const { container } = await startPod(machine);
    await first.kill('SIGKILL');
    await first.exited;
    await connects(machine, '10.42.0.2', 5353);
    await startContainerd(machine);
    expect(await runningContainers(machine)).toBe(container);
    const again = await importAll(machine, 'overlayfs');
    expect(again.imported).toEqual([]);
    expect(again.unchanged).toHaveLength(images.length);
  });
});

describe('killall', () => {
  const everything = `
    cut -d' ' -f5 /proc/self/mountinfo; ip -brief link; nft list ruleset
    find /sys/fs/cgroup -type d; find /run/k3s /run/flannel /run/containerd -type s || true
    for process in /proc/[0-9]*; do tr '\\0' ' ' < $process/cmdline || true; echo; done | grep -v -E '^(sh|tr|grep|sort) ' | sort -u`;

  const killall = (machine: Machine): Promise<{ processes: { forced: boolean }[]; problems: string[] }> =>
    evaluate(
      machine,
      ['node/killall/killall.ts', 'node/killall/footprint.ts', 'core/clock.ts'],
      `m.killall({ ...m.footprintOf('/var/lib/rancher/k3s', process.execPath), programDirectories: ['${programs}'] }, m.systemClock)`,
    );

  test.each(['while everything runs', 'after a crash that left only the containers'])(
    'leaves nothing, %s',
    async (when) => {
      await using machine = await createMachine({ name: 'killall' });
      // Asked for once, so that what the question itself leaves in the kernel is there before.
      await machine.run(everything);
      const before = await machine.run(everything);
      const containerd = await startContainerd(machine);
      await importAll(machine, 'overlayfs');
      await startPod(machine);
      await machine.run(`
      nft add table ip kube-proxy; nft add chain ip kube-proxy services
      iptables -t nat -N KUBE-SERVICES; iptables -t nat -A PREROUTING -j KUBE-SERVICES
      iptables -t mangle -N KUBE-IPTABLES-HINT; ip6tables -t mangle -N KUBE-IPTABLES-HINT
      ip link add flannel.1 type vxlan id 1 dstport 8472 dev eth0
      mkdir -p /run/flannel; touch /run/flannel/subnet.env
      mkdir -p /var/lib/kubelet/pods/u1/volumes/token; mount -t tmpfs token /var/lib/kubelet/pods/u1/volumes/token`);
      if (when.startsWith('after')) {
        await containerd.kill('SIGKILL');
        await machine.run(`for shim in $(pidof containerd-shim-runc-v2); do kill -9 $shim; done`);
      }
      const report = await killall(machine);
      expect(report.problems).toEqual([]);
      expect(report.processes.length).toBeGreaterThanOrEqual(2);
      expect(await machine.run(everything)).toBe(before);
      expect(await killall(machine)).toMatchObject({
        processes: [],
        mounts: [],
        interfaces: [],
        packetRules: [],
        files: [],
      });
    },
  );

  test('leaves alone what is not this node’s', async () => {
    await using machine = await createMachine({ name: 'killall' });
    await startContainerd(machine);
    await importAll(machine, 'overlayfs');
    await startPod(machine);
    await machine.run(`
      nft add table inet firewall; iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -j DOCKER
      ip link add docker0 type bridge; mkdir -p /var/lib/rancher/k3s/storage; mount -t tmpfs disk /var/lib/rancher/k3s/storage`);
    const editor = await machine.spawn(['tail', '-f', `${AGENT}/etc/containerd/config.toml`]);
    await killall(machine);
    await machine.run(`
      nft list table inet firewall; iptables -t nat -C PREROUTING -j DOCKER; ip link show docker0
      grep -q /var/lib/rancher/k3s/storage /proc/self/mountinfo; kill -0 ${editor.processId}`);
    // The data is all there: containerd comes up again and knows its images.
    await startContainerd(machine);
    expect((await importAll(machine, 'overlayfs')).imported).toEqual([]);
  });
});
