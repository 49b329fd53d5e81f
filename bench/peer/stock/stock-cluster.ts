import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readComponentSet } from '../../../src/bootstrap/installed-components.ts';
import { secretHex } from '../../../src/core/random.ts';
import { readNodeFacts } from '../../../src/node/node-facts.ts';
import type { MachineProcess } from '../../../test/machine.ts';
import { NODE_NAME, type BenchCluster } from '../../cluster/bench-cluster.ts';
import { createBenchMachine } from '../../cluster/bench-machine.ts';
import { apiServerFlags, controllerManagerFlags, etcdFlags, schedulerFlags } from './control-plane.ts';
import { stockCredentials } from './credentials.ts';
import { stockLayout } from './layout.ts';
import { coreDnsManifest, flannelManifest } from './manifests.ts';
import {
  CNI_CONFIGURATION,
  containerdConfiguration,
  FLANNEL_NETWORK,
  flannelFlags,
  kubeletConfiguration,
  kubeletFlags,
  kubeProxyFlags,
} from './node.ts';
import { startScript, STOP_SCRIPT } from './script.ts';

const root = resolve(import.meta.dirname, '../../..');
const built = join(root, '.cache/components/out');

/**
 * The same upstream programs as kubeadm runs them: one process for each component, etcd, leader election, two replicas of
 * CoreDNS, Go's own memory settings. Processes of the machine instead of static pods, which spares it the time and memory of those.
 */
export async function createStockCluster(): Promise<BenchCluster> {
  await using undo = new AsyncDisposableStack();
  const files = join(root, '.cache/bench', `stock-${secretHex(4)}`);
  await mkdir(files, { recursive: true, mode: 0o700 });
  undo.defer(() => rm(files, { recursive: true, force: true }));
  const machine = undo.use(await createBenchMachine());
  const layout = stockLayout(files);
  const credentials = await stockCredentials(files, NODE_NAME, machine.address);
  const { images } = await readComponentSet(built);
  const image = (name: string): string =>
    images.find(({ reference }) => reference.includes(`/${name}:`))?.reference ?? '';
  const { restrictOomScore } = await readNodeFacts();
  const containerdConfig = join(files, 'containerd.toml');
  const manifests = join(files, 'manifests.json');
  await writeFile(containerdConfig, containerdConfiguration(layout, image('pause'), restrictOomScore));
  await writeFile(join(files, 'kubelet.json'), kubeletConfiguration(credentials, layout));
  await writeFile(join(files, 'net-conf.json'), FLANNEL_NETWORK);
  await writeFile(manifests, JSON.stringify(coreDnsManifest(image('coredns'))) + JSON.stringify(flannelManifest()));
  await machine.writeFile('/etc/cni/net.d/10-flannel.conflist', CNI_CONFIGURATION);
  await machine.run(`mkdir -p ${layout.components}; cp -r ${built}/. ${layout.components}`);

  const script = startScript(layout, [
    { name: 'etcd', flags: etcdFlags(layout, NODE_NAME) },
    { name: 'containerd', flags: { config: containerdConfig } },
    { name: 'kube-apiserver', flags: apiServerFlags(credentials, machine.address) },
    { name: 'kube-controller-manager', flags: controllerManagerFlags(credentials, layout) },
    { name: 'kube-scheduler', flags: schedulerFlags(credentials, layout) },
    { name: 'kubelet', flags: kubeletFlags(credentials, layout, NODE_NAME, machine.address) },
    { name: 'kube-proxy', flags: kubeProxyFlags(credentials, NODE_NAME) },
    { name: 'flannel', flags: flannelFlags(credentials, layout, NODE_NAME) },
  ]);
  const engine = join(layout.components, 'bin/engine');
  let running: MachineProcess | undefined;
  const resources = undo.move();
  return {
    machine,
    kubeconfig: credentials.adminKubeconfig,
    async start() {
      running = await machine.spawn(script);
      return running;
    },
    async stop() {
      await machine.run(STOP_SCRIPT);
      await running?.exited;
      running = undefined;
    },
    async install() {
      const ctr = `${engine} ctr --address ${layout.containerdSocket} --namespace k8s.io images import`;
      await machine.run(`for image in ${layout.components}/images/*.tar; do ${ctr} $image; done`);
      await machine.run(`${engine} kubectl --kubeconfig ${credentials.adminKubeconfig} apply -f ${manifests}`);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
