import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { writeFileAtomically } from './atomic-file.ts';
import { kubeletNodeLabels } from './node-labels.ts';

export interface KubeletOptions {
  /** `<data-dir>/agent/etc/kubelet.conf.d`. */
  configDirectory: string;
  kubeconfig: string;
  nodeName: string;
  /** All addresses of the node, first the preferred one. */
  nodeIPs: readonly string[];
  nodeLabels: Readonly<Record<string, string>>;
  /** `key=value:Effect`, set when the node registers. */
  nodeTaints: readonly string[];
  /** Where kubelet listens: `0.0.0.0`, `::` or one address. */
  bindAddress: string;
  clusterDNS: readonly string[];
  clusterDomain: string;
  clientCAFile: string;
  servingCertificate: { certFile: string; keyFile: string };
  /** A path of a unix socket. */
  containerRuntimeEndpoint: string;
  resolvConf: string;
  staticPodPath: string;
  protectKernelDefaults: boolean;
  cgroups: KubeletCgroups;
  /** Sysctls a pod may set although they are not on kubelet's list of safe ones. */
  allowedUnsafeSysctls?: readonly string[];
}

/** What the host's control groups ask of kubelet; see `kubeletCgroups`. */
export interface KubeletCgroups {
  driver: 'cgroupfs' | 'systemd';
  /** Whether limits on CPU time work here. */
  cpuQuota: boolean;
  /** Groups that kubelet and containerd are moved to, where those they are in do not do. */
  kubeletGroup?: string;
  runtimeGroup?: string;
}

/** `00-k3s-defaults.conf`: a KubeletConfiguration (kubelet.config.k8s.io/v1beta1). */
export function kubeletConfig(options: KubeletOptions): string {
  const endpoint = `unix://${options.containerRuntimeEndpoint}`;
  const loopback = options.nodeIPs[0]?.includes(':') === true ? '::1' : '127.0.0.1';
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: options.bindAddress,
    healthzBindAddress: loopback,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: '2m0s' },
      x509: { clientCAFile: options.clientCAFile },
    },
    authorization: {
      mode: 'Webhook',
      webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' },
    },
    tlsCertFile: options.servingCertificate.certFile,
    tlsPrivateKeyFile: options.servingCertificate.keyFile,
    cgroupDriver: options.cgroups.driver,
    cpuCFSQuota: options.cgroups.cpuQuota,
    ...(options.cgroups.kubeletGroup === undefined ? {} : { kubeletCgroups: options.cgroups.kubeletGroup }),
    // Kubernetes 1.35 and later refuse version 1 unless told otherwise; many hosts still boot with it.
    failCgroupV1: false,
    failSwapOn: false,
    protectKernelDefaults: options.protectKernelDefaults,
    clusterDNS: options.clusterDNS,
    clusterDomain: options.clusterDomain,
    resolvConf: options.resolvConf,
    containerRuntimeEndpoint: endpoint,
    imageServiceEndpoint: endpoint,
    serializeImagePulls: false,
    staticPodPath: options.staticPodPath,
    registerWithTaints: options.nodeTaints.map(parseTaint),
    allowedUnsafeSysctls: options.allowedUnsafeSysctls ?? [],
    evictionHard: { 'imagefs.available': '5%', 'nodefs.available': '5%' },
    evictionMinimumReclaim: { 'imagefs.available': '10%', 'nodefs.available': '10%' },
    evictionPressureTransitionPeriod: '5m0s',
    cpuManagerReconcilePeriod: '10s',
    fileCheckFrequency: '20s',
    httpCheckFrequency: '20s',
    imageMinimumGCAge: '2m0s',
    nodeStatusReportFrequency: '5m0s',
    nodeStatusUpdateFrequency: '10s',
    runtimeRequestTimeout: '2m0s',
    streamingConnectionIdleTimeout: '4h0m0s',
    syncFrequency: '1m0s',
    volumeStatsAggPeriod: '1m0s',
    logging: { format: 'text', flushFrequency: '5s' },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** `--name=value` flags of kubelet that are not part of its configuration file. The user's `--kubelet-arg` is merged over them. */
export function kubeletArguments(options: KubeletOptions): Record<string, string> {
  const labels = kubeletNodeLabels(options.nodeLabels);
  return {
    'config-dir': options.configDirectory,
    'hostname-override': options.nodeName,
    kubeconfig: options.kubeconfig,
    // An empty flag would be a label without a name.
    ...(labels === '' ? {} : { 'node-labels': labels }),
    'node-ip': options.nodeIPs.join(','),
    'read-only-port': '0',
    ...(options.cgroups.runtimeGroup === undefined ? {} : { 'runtime-cgroups': options.cgroups.runtimeGroup }),
  };
}

/**
 * Fills kubelet's configuration directory: our defaults, over them the user's file (`--kubelet-arg=config=`), over that
 * the user's directory (`config-dir=`). Kubelet merges them in this order. What an earlier start copied and is no longer
 * asked for goes away; a file that the user put there by hand stays.
 */
export async function writeKubeletConfig(
  directory: string,
  defaults: string,
  user: { file?: string; directory?: string } = {},
): Promise<void> {
  await writeFileAtomically(join(directory, '00-k3s-defaults.conf'), defaults, 0o600);
  const inside = (path: string): boolean => !relative(directory, resolve(path)).startsWith('..');
  const userFile = join(directory, '10-cli-config.conf');
  const userDirectory = join(directory, '20-cli-config-dir');
  if (user.file === undefined) await rm(userFile, { force: true });
  else if (!inside(user.file)) await cp(user.file, userFile);
  if (user.directory !== undefined && inside(user.directory)) return;
  await rm(userDirectory, { recursive: true, force: true });
  if (user.directory === undefined) return;
  await mkdir(userDirectory, { mode: 0o700 });
  for (const name of await readdir(user.directory)) {
    if (name.endsWith('.conf')) await cp(join(user.directory, name), join(userDirectory, name));
  }
}

/** `key[=value]:Effect` as the Taint of a KubeletConfiguration. */
function parseTaint(text: string): { key: string; value?: string; effect: string } {
  const colon = text.lastIndexOf(':');
  const [key = '', ...value] = text.slice(0, colon).split('=');
  return { key, ...(value.length === 0 ? {} : { value: value.join('=') }), effect: text.slice(colon + 1) };
}
