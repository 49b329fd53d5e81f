import { resolve } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import { parseIpAddress } from '../core/ip-address.ts';
import { parseArguments, readEnvironment } from './arguments.ts';
import { readConfigFiles } from './config-file.ts';
import { isCertificateName, isDnsName } from './dns-name.ts';
import { parseExtraArgument } from './extra-arguments.ts';
import type { HostFacts } from './host.ts';
import { mergeSettings, type MergedOptions } from './merge.ts';
import { labelProblem, taintProblem } from './node-registration.ts';
import { findOption } from './option.ts';
import { resolveNetwork, type Refuse, type ServerNetwork } from './server-network.ts';
import { DEFAULT_CONFIG_FILE, SERVER_OPTIONS, type ServerOptionValues } from './server-options.ts';
import { invalidValue, type Source } from './setting.ts';
import { readTokenFile } from './token-file.ts';

/** Where the state of the cluster is kept. */
export interface SqliteDatastore {
  readonly kind: 'sqlite';
  readonly path: string;
}

type AsGiven = Omit<
  ServerOptionValues,
  | keyof ServerNetwork
  | 'config'
  | 'tokenFile'
  | 'agentTokenFile'
  | 'datastoreEndpoint'
  | 'nodeName'
  | 'advertisePort'
  | 'writeKubeconfigMode'
>;

/**
 * What `k3s server` shall do: every option with its value or default, checked and completed from the machine. Frozen.
 * Paths are absolute; addresses and networks are in canonical form; lists that may be comma-separated are split.
 */
export interface ServerConfig extends AsGiven, ServerNetwork {
  readonly nodeName: string;
  /** The machine's own name, which need not be the node's. */
  readonly hostname: string;
  readonly advertisePort: number;
  /** Where kube-apiserver listens, on loopback. */
  readonly apiServerPort: number;
  /** Permission bits. */
  readonly writeKubeconfigMode: number;
  readonly datastore: SqliteDatastore;
  /** Where each option's value comes from, by the option's name. */
  readonly sources: ReadonlyMap<string, readonly Source[]>;
}

export interface LoadServerConfigOptions {
  /** What follows `k3s server`. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly host: HostFacts;
  /** Paces the wait for a token file. */
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Reads flags, environment and configuration files (flag > environment > file > default). Throws K3sError for the first mistake. */
export async function loadServerConfig(input: LoadServerConfigOptions): Promise<ServerConfig> {
  const { settings: flags, positional } = parseArguments(SERVER_OPTIONS, input.argv);
  if (positional[0] !== undefined) {
    throw new K3sError('K3S_CONFIG_UNEXPECTED_ARGUMENT', `${JSON.stringify(positional[0])} is not expected here`, {
      hint: 'Options begin with --; `k3s server --help` lists them',
    });
  }
  const environment = readEnvironment(SERVER_OPTIONS, input.environment);
  const named = [...flags, ...environment].findLast((setting) => setting.option.name === 'config');
  const path = named?.text ?? DEFAULT_CONFIG_FILE;
  const files = await readConfigFiles(SERVER_OPTIONS, path, named !== undefined);
  const layers = [files, environment, flags.filter((setting) => setting.option.name !== 'config')];
  if (named !== undefined) layers.push([named]);
  const merged = mergeSettings(SERVER_OPTIONS, layers);
  const token = await secret('token', merged.values.token, merged.values.tokenFile, input);
  const agentToken = await secret('agent-token', merged.values.agentToken, merged.values.agentTokenFile, input);
  return resolveServerConfig(merged, input.host, { token, agentToken });
}

async function secret(
  option: 'token' | 'agent-token',
  given: string | undefined,
  file: string | undefined,
  input: LoadServerConfigOptions,
): Promise<string | undefined> {
  if (given !== undefined || file === undefined) return given;
  return readTokenFile(`${option}-file`, file, input.clock, input.signal);
}

/** The pure half of `loadServerConfig`: checks values against each other and completes them. */
export function resolveServerConfig(
  merged: MergedOptions<typeof SERVER_OPTIONS>,
  host: HostFacts,
  secrets: Pick<ServerOptionValues, 'token' | 'agentToken'>,
): ServerConfig {
  const { config: _, tokenFile: _t, agentTokenFile: _a, datastoreEndpoint, ...values } = merged.values;
  const refuse: Refuse = (name, text, expected) => {
    const option = findOption(SERVER_OPTIONS, name);
    if (option === undefined) throw new TypeError(`no option ${name}`);
    return invalidValue(option, merged.sources.get(name)?.at(-1) ?? { kind: 'default' }, text, expected);
  };
  checkSyntax(merged.values, refuse);
  const dataDir = resolve(values.dataDir);
  const nodeName = values.nodeName ?? host.hostname.toLowerCase();
  if (!isDnsName(nodeName)) throw refuse('node-name', nodeName, 'a DNS name: lower-case letters, digits, - and .');
  const network = resolveNetwork(merged.values, host, refuse);
  return freeze({
    ...values,
    ...secrets,
    ...network,
    dataDir,
    nodeName,
    hostname: host.hostname,
    advertisePort: values.advertisePort ?? values.httpsListenPort,
    apiServerPort: values.httpsListenPort + 1,
    writeKubeconfig: values.writeKubeconfig === undefined ? undefined : resolve(values.writeKubeconfig),
    writeKubeconfigMode: fileMode(values.writeKubeconfigMode, refuse),
    datastore: datastore(datastoreEndpoint, dataDir, refuse),
    sources: merged.sources,
  });
}

function checkSyntax(values: ServerOptionValues, refuse: Refuse): void {
  for (const san of values.tlsSan) {
    if (parseIpAddress(san) === undefined && !isCertificateName(san)) {
      throw refuse('tls-san', san, 'a host name or an IP address');
    }
  }
  if (!isDnsName(values.clusterDomain)) throw refuse('cluster-domain', values.clusterDomain, 'a DNS name');
  for (const label of values.nodeLabel) {
    const problem = labelProblem(label);
    if (problem !== undefined) throw refuse('node-label', label, problem);
  }
  for (const taint of values.nodeTaint) {
    const problem = taintProblem(taint);
    if (problem !== undefined) throw refuse('node-taint', taint, problem);
  }
  checkPortRange(values.serviceNodePortRange, refuse);
  const registry = values.systemDefaultRegistry;
  if (registry !== undefined && !/^[\w.-]+(:\d+)?(\/[\w./-]+)?$/.test(registry)) {
    throw refuse('system-default-registry', registry, 'a registry such as registry.example.com:5000, without https://');
  }
  const extra = [
    ['kube-apiserver-arg', values.kubeApiserverArg],
    ['kube-controller-manager-arg', values.kubeControllerManagerArg],
    ['kube-scheduler-arg', values.kubeSchedulerArg],
    ['kubelet-arg', values.kubeletArg],
    ['kube-proxy-arg', values.kubeProxyArg],
  ] as const;
  for (const [option, items] of extra) {
    const wrong = items.find((item) => !/^[A-Za-z0-9][\w.-]*$/.test(parseExtraArgument(item).key));
    if (wrong !== undefined) throw refuse(option, wrong, 'KEY=VALUE, KEY+=VALUE or KEY-=VALUE');
  }
}

function checkPortRange(text: string, refuse: Refuse): void {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  if (from !== undefined && Number(from) >= 1 && Number(from) <= Number(to) && Number(to) <= 65535) return;
  throw refuse('service-node-port-range', text, 'FROM-TO with ports from 1 to 65535');
}

function fileMode(text: string, refuse: Refuse): number {
  if (/^0*[0-7]{3}$/.test(text)) return parseInt(text, 8);
  throw refuse('write-kubeconfig-mode', text, 'permissions in octal such as 0600 or 644');
}

function datastore(endpoint: string | undefined, dataDir: string, refuse: Refuse): SqliteDatastore {
  const serverDirectory = resolve(dataDir, 'server');
  if (endpoint === undefined || endpoint === '') {
    return { kind: 'sqlite', path: resolve(serverDirectory, 'db/state.db') };
  }
  const [, path] = /^sqlite:\/\/([^?]+)$/.exec(endpoint) ?? [];
  if (path === undefined) {
    throw refuse('datastore-endpoint', endpoint, 'sqlite://FILE; SQLite is the only datastore of this release');
  }
  return { kind: 'sqlite', path: resolve(serverDirectory, path) };
}

function freeze<T extends object>(value: T): Readonly<T> {
  for (const part of Object.values(value)) if (Array.isArray(part)) Object.freeze(part);
  return Object.freeze(value);
}
