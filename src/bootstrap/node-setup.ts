import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extraArgument, mergeExtraArguments } from '../config/extra-arguments.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { writeFileAtomically } from '../node/atomic-file.ts';
import { writeCniConflist } from '../node/cni-config.ts';
import {
  containerdConfig,
  containerdSocket,
  crictlConfig,
  expandContainerdTemplate,
  type ContainerdOptions,
} from '../node/containerd-config.ts';
import { flannelArguments, flannelNetworkConfig, interfaceMTU, podMTU } from '../node/flannel-config.ts';
import type { NodeFacts } from '../node/node-facts.ts';
import { kubeProxyArguments } from '../node/kube-proxy-arguments.ts';
import { kubeletArguments, kubeletConfig, writeKubeletConfig, type KubeletOptions } from '../node/kubelet-config.ts';
import { chooseResolvConf } from '../node/resolv-conf.ts';
import type { NodeKubeconfigs } from '../pki/kubeconfig-files.ts';
import type { NodePki } from '../pki/server-pki.ts';
import type { EnginePlan } from './engine-plan.ts';
import type { ServerPaths } from './server-paths.ts';

export interface NodeInput {
  readonly config: ServerConfig;
  readonly paths: ServerPaths;
  readonly facts: NodeFacts;
  readonly pauseImage: string;
}

/** Writes what containerd and crictl are started with; returns the path of config.toml. */
export async function writeContainerdFiles({ config, paths, facts, pauseImage }: NodeInput): Promise<string> {
  const configDirectory = join(paths.agentEtc, 'containerd');
  const options: ContainerdOptions = {
    root: paths.containerdRoot,
    state: paths.containerdState,
    configDirectory,
    runc: join(paths.programs, 'runc'),
    snapshotter: config.snapshotter,
    pauseImage,
    cgroupDriver: facts.cgroups.driver,
    restrictOomScore: facts.restrictOomScore,
    debug: config.debug,
    ...(config.flannelBackend === 'none' ? {} : { cni: cniDirectories(paths) }),
  };
  await mkdir(join(configDirectory, 'certs.d'), { recursive: true, mode: 0o700 });
  const base = containerdConfig(options);
  const templatePath = join(configDirectory, 'config-v3.toml.tmpl');
  const template = await readFile(templatePath, 'utf8').catch(() => undefined);
  const path = join(configDirectory, 'config.toml');
  await writeFileAtomically(
    path,
    template === undefined ? base : expandContainerdTemplate(template, base, templatePath),
    0o600,
  );
  await writeFileAtomically(join(paths.agentEtc, 'crictl.yaml'), crictlConfig(paths.containerdState), 0o600);
  return path;
}

function cniDirectories(paths: ServerPaths): { binDirectories: string[]; configDirectory: string } {
  return { binDirectories: [paths.cniPrograms], configDirectory: join(paths.agentEtc, 'cni/net.d') };
}

/** Writes what kubelet, kube-proxy and flannel read, and returns what `engine node` runs. */
export async function prepareNode(input: NodeInput, pki: NodePki, kubeconfigs: NodeKubeconfigs): Promise<EnginePlan> {
  const { config, paths, facts } = input;
  const options: KubeletOptions = {
    configDirectory: join(paths.agentEtc, 'kubelet.conf.d'),
    kubeconfig: kubeconfigs.kubelet,
    nodeName: config.nodeName,
    nodeIPs: config.nodeIp,
    nodeLabels: labelsOf(config.nodeLabel),
    nodeTaints: config.nodeTaint,
    bindAddress: config.bindAddress,
    clusterDNS: config.clusterDns,
    clusterDomain: config.clusterDomain,
    clientCAFile: pki.clientAuthorityFile,
    servingCertificate: {
      certFile: pki.leaves.kubeletServing.certificateFile,
      keyFile: pki.leaves.kubeletServing.keyFile,
    },
    containerRuntimeEndpoint: containerdSocket(paths.containerdState),
    resolvConf: config.resolvConf ?? (await chooseResolvConf(join(paths.agentEtc, 'resolv.conf'))),
    staticPodPath: paths.staticPods,
    protectKernelDefaults: config.protectKernelDefaults,
    cgroups: facts.cgroups,
  };
  const file = extraArgument(config.kubeletArg, 'config');
  const directory = extraArgument(config.kubeletArg, 'config-dir');
  await mkdir(paths.staticPods, { recursive: true, mode: 0o750 });
  await writeKubeletConfig(options.configDirectory, kubeletConfig(options), {
    ...(file === undefined ? {} : { file }),
    ...(directory === undefined ? {} : { directory }),
  });
  const kubeletExtra = config.kubeletArg.filter((item) => !/^(--)?config(-dir)?=/.test(item));
  const components = [{ name: 'kubelet', args: mergeExtraArguments(kubeletArguments(options), kubeletExtra) }];
  if (!config.disableKubeProxy) {
    const builtIn = kubeProxyArguments({
      kubeconfig: kubeconfigs.kubeProxy,
      nodeName: config.nodeName,
      clusterCIDRs: config.clusterCidr,
      healthAddress: config.loopback,
      mode: facts.packetFilter,
    });
    components.push({ name: 'kube-proxy', args: mergeExtraArguments(builtIn, config.kubeProxyArg) });
  }
  if (config.flannelBackend !== 'none') {
    const networkConfig = join(paths.agentEtc, 'flannel/net-conf.json');
    await writeFileAtomically(
      networkConfig,
      flannelNetworkConfig(config.clusterCidr, config.flannelBackend, facts.packetFilter),
      0o600,
    );
    const flannel = flannelArguments({
      kubeconfig: kubeconfigs.nodeController,
      nodeName: config.nodeName,
      networkConfig,
      subnetFile: '/run/flannel/subnet.env',
      ...(config.flannelIface === undefined ? {} : { interface: config.flannelIface }),
      nodeIPs: config.nodeIp,
      packetFilter: facts.packetFilter,
    });
    components.push({ name: 'flannel', args: mergeExtraArguments(flannel, []) });
  }
  return { stopTimeoutSeconds: 5, components };
}

/** Writes the CNI configuration for the node's pod ranges; says whether it changed. */
export async function configurePodNetwork(input: NodeInput, podCIDRs: readonly string[]): Promise<boolean> {
  const { config, paths, facts } = input;
  if (config.flannelBackend === 'none') return false;
  const address = config.nodeIp[0] ?? '';
  const hostMTU = await interfaceMTU(
    config.flannelIface === undefined ? { address } : { interface: config.flannelIface },
  );
  return await writeCniConflist(cniDirectories(paths).configDirectory, {
    podCIDRs,
    mtu: podMTU(config.flannelBackend, hostMTU, config.nodeIp),
    packetFilter: facts.packetFilter,
  });
}

/** `key=value` texts, which the configuration has checked, as labels. */
export function labelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => text.split('=', 2) as [string, string]));
}
