import { K3sError } from '../core/errors.ts';
import { formatIpAddress, parseIpAddress, type IpAddress, type IpFamily } from '../core/ip-address.ts';
import { cidrContains, cidrsOverlap, formatCidr, nthAddress, parseCidr, type Cidr } from './cidr.ts';
import { parseExtraArgument } from './extra-arguments.ts';
import type { HostFacts } from './host.ts';
import type { ServerOptionName, ServerOptionValues } from './server-options.ts';

/** Makes the error about the value of an option; `expected` completes "expected …". */
export type Refuse = (option: ServerOptionName, text: string, expected: string) => K3sError;

export interface ServerNetwork {
  readonly clusterCidr: readonly string[];
  readonly serviceCidr: readonly string[];
  readonly clusterDns: readonly string[];
  readonly nodeIp: readonly string[];
  readonly nodeExternalIp: readonly string[];
  readonly bindAddress: string;
  readonly advertiseAddress: string;
  /** The address of the service `kubernetes` in each service network. */
  readonly serviceIp: readonly string[];
  /** Where components of this machine find each other. */
  readonly loopback: '127.0.0.1' | '::1';
}

const DEFAULT_CIDR = {
  'cluster-cidr': { 4: '10.42.0.0/16', 6: 'fd00:42::/56' },
  'service-cidr': { 4: '10.43.0.0/16', 6: 'fd00:43::/112' },
} as const;

/** The share of the cluster network that each node gets, unless kube-controller-manager is told otherwise. */
const NODE_PREFIX: Readonly<Record<IpFamily, number>> = { 4: 24, 6: 64 };
const DNS_INDEX = 10;

/** Completes and checks every address and network. The first service network decides which IP family comes first. */
export function resolveNetwork(values: ServerOptionValues, host: HostFacts, refuse: Refuse): ServerNetwork {
  checkInterface(values, host, refuse);
  const givenIps = addresses('node-ip', values.nodeIp, refuse);
  const external = addresses('node-external-ip', values.nodeExternalIp, refuse);
  const givenCluster = networks('cluster-cidr', values.clusterCidr, refuse);
  const givenService = networks('service-cidr', values.serviceCidr, refuse);
  const families = familiesOf(givenService) ?? familiesOf(givenCluster) ?? [onlyFamily(givenIps, host)];
  const cluster = givenCluster.length > 0 ? givenCluster : defaultNetworks('cluster-cidr', families);
  const service = givenService.length > 0 ? givenService : defaultNetworks('service-cidr', families);
  checkNetworks(values, cluster, service, refuse);

  const nodeIps = givenIps.length > 0 ? givenIps : detectAddresses(values, host, families, cluster);
  checkNodeAddresses(nodeIps, cluster, service, refuse);

  const primary = families[0] ?? 4;
  const advertise = advertisedAddress(values, [...external, ...nodeIps], primary, refuse);
  return {
    clusterCidr: cluster.map(formatCidr),
    serviceCidr: service.map(formatCidr),
    clusterDns: dnsAddresses(values, service, refuse),
    nodeIp: nodeIps.map(formatIpAddress),
    nodeExternalIp: external.map(formatIpAddress),
    bindAddress: bindAddress(values, families, refuse),
    advertiseAddress: formatIpAddress(advertise),
    serviceIp: service.map((cidr) => addressAt(cidr, 1, 'service-cidr', refuse)),
    loopback: primary === 6 ? '::1' : '127.0.0.1',
  };
}

function networks(option: 'cluster-cidr' | 'service-cidr', texts: readonly string[], refuse: Refuse): Cidr[] {
  const cidrs = texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw refuse(option, text, 'a network such as 10.42.0.0/16 or fd00:42::/56');
    return cidr;
  });
  oncePerFamily(option, cidrs, texts, refuse);
  return cidrs;
}

function addresses(option: ServerOptionName, texts: readonly string[], refuse: Refuse): IpAddress[] {
  return texts.map((text) => address(option, text, refuse));
}

function address(option: ServerOptionName, text: string, refuse: Refuse): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw refuse(option, text, 'an IPv4 or IPv6 address');
  return parsed;
}

function oncePerFamily(
  option: ServerOptionName,
  items: readonly { family: IpFamily }[],
  texts: readonly string[],
  refuse: Refuse,
): void {
  if (new Set(items.map((item) => item.family)).size < items.length) {
    throw refuse(option, texts.join(','), 'one for each IP family at most');
  }
}

function familiesOf(cidrs: readonly Cidr[]): IpFamily[] | undefined {
  return cidrs.length === 0 ? undefined : cidrs.map((cidr) => cidr.family);
}

/** Where nobody asks for a network the cluster has one family: IPv6 only where the node has nothing else. */
function onlyFamily(nodeIps: readonly IpAddress[], host: HostFacts): IpFamily {
  const items = nodeIps.length > 0 ? nodeIps : host.addresses;
  return items.length > 0 && items.every((item) => item.family === 6) ? 6 : 4;
}

function defaultNetworks(option: 'cluster-cidr' | 'service-cidr', families: readonly IpFamily[]): Cidr[] {
  return families.flatMap((family) => parseCidr(DEFAULT_CIDR[option][family]) ?? []);
}

function checkNetworks(
  values: ServerOptionValues,
  cluster: readonly Cidr[],
  service: readonly Cidr[],
  refuse: Refuse,
): void {
  const families = (cidrs: readonly Cidr[]): string => cidrs.map((cidr) => `IPv${cidr.family}`).join(' and ');
  const text = cluster.map(formatCidr).join(',');
  if (cluster.length !== service.length || cluster.some((cidr) => !service.some((s) => s.family === cidr.family))) {
    throw refuse('cluster-cidr', text, `networks of the same IP families as service-cidr has (${families(service)})`);
  }
  for (const cidr of cluster) {
    const overlapping = service.find((other) => cidrsOverlap(cidr, other));
    if (overlapping !== undefined) {
      throw refuse('cluster-cidr', text, `a network apart from service-cidr (${formatCidr(overlapping)})`);
    }
    const sizeChosen = values.kubeControllerManagerArg.some((item) =>
      parseExtraArgument(item).key.startsWith('node-cidr-mask-size'),
    );
    if (cidr.prefix > NODE_PREFIX[cidr.family] && !sizeChosen) {
      throw refuse(
        'cluster-cidr',
        text,
        `a network of /${NODE_PREFIX[cidr.family]} or larger, which is what one node takes`,
      );
    }
  }
}

function checkInterface(values: ServerOptionValues, host: HostFacts, refuse: Refuse): void {
  const names = [...new Set(host.addresses.map((item) => item.networkInterface))];
  if (values.flannelIface === undefined || names.includes(values.flannelIface)) return;
  throw refuse(
    'flannel-iface',
    values.flannelIface,
    `an interface with an address; this machine has ${names.join(', ')}`,
  );
}

/** The address that the node most likely is reached by, one for each family of the cluster. */
function detectAddresses(
  values: ServerOptionValues,
  host: HostFacts,
  families: readonly IpFamily[],
  cluster: readonly Cidr[],
): IpAddress[] {
  return families.map((family) => {
    const wanted = values.flannelIface ?? host.defaultInterface[family];
    const candidates = host.addresses.flatMap(({ networkInterface, address: text }) => {
      const parsed = parseIpAddress(text);
      // Interfaces that a former run made carry addresses of the cluster network: they are not the node's.
      const ofPods = parsed === undefined || cluster.some((cidr) => cidrContains(cidr, parsed));
      return ofPods || parsed.family !== family ? [] : [{ networkInterface, parsed }];
    });
    const chosen =
      candidates.find((item) => item.networkInterface === wanted) ??
      (values.flannelIface === undefined ? candidates[0] : undefined);
    if (chosen !== undefined) return chosen.parsed;
    const where = values.flannelIface === undefined ? 'this machine' : `the interface ${values.flannelIface}`;
    throw new K3sError('K3S_CONFIG_NO_NODE_IP', `${where} has no IPv${family} address that could be the node's`, {
      hint: 'Give the address with --node-ip, or bring up the network first',
    });
  });
}

function checkNodeAddresses(
  nodeIps: readonly IpAddress[],
  cluster: readonly Cidr[],
  service: readonly Cidr[],
  refuse: Refuse,
): void {
  const text = nodeIps.map(formatIpAddress).join(',');
  oncePerFamily('node-ip', nodeIps, [text], refuse);
  const lacking = service.find((cidr) => !nodeIps.some((ip) => ip.family === cidr.family));
  if (lacking !== undefined) {
    throw refuse(
      'node-ip',
      text,
      `also an IPv${lacking.family} address, since service-cidr has ${formatCidr(lacking)}`,
    );
  }
  for (const cidr of [...cluster, ...service]) {
    if (nodeIps.some((ip) => cidrContains(cidr, ip))) {
      throw refuse(
        'node-ip',
        text,
        `an address outside of the cluster's network ${formatCidr(cidr)}; change one of the two`,
      );
    }
  }
}

/** kube-apiserver refuses an advertised address of another family than the first service network. */
function advertisedAddress(
  values: ServerOptionValues,
  candidates: readonly IpAddress[],
  family: IpFamily,
  refuse: Refuse,
): IpAddress {
  const text = values.advertiseAddress;
  const chosen =
    text === undefined ? candidates.find((item) => item.family === family) : address('advertise-address', text, refuse);
  if (chosen?.family !== family) {
    throw refuse('advertise-address', text ?? '', `an IPv${family} address, the family of the first service-cidr`);
  }
  return chosen;
}

function bindAddress(values: ServerOptionValues, families: readonly IpFamily[], refuse: Refuse): string {
  if (values.bindAddress !== undefined) return formatIpAddress(address('bind-address', values.bindAddress, refuse));
  return families.includes(6) ? '::' : '0.0.0.0';
}

function dnsAddresses(values: ServerOptionValues, service: readonly Cidr[], refuse: Refuse): string[] {
  const given = addresses('cluster-dns', values.clusterDns, refuse);
  if (given.length === 0) return service.map((cidr) => addressAt(cidr, DNS_INDEX, 'service-cidr', refuse));
  oncePerFamily('cluster-dns', given, values.clusterDns, refuse);
  for (const item of given) {
    const text = formatIpAddress(item);
    const cidr = service.find((candidate) => cidrContains(candidate, item));
    if (cidr === undefined) {
      throw refuse('cluster-dns', text, `an address within service-cidr (${service.map(formatCidr).join(', ')})`);
    }
    if (item.value <= cidr.first + 1n) {
      throw refuse('cluster-dns', text, 'another address than the first two, which are taken');
    }
  }
  return given.map(formatIpAddress);
}

function addressAt(cidr: Cidr, index: number, option: ServerOptionName, refuse: Refuse): string {
  const found = nthAddress(cidr, index);
  if (found === undefined) throw refuse(option, formatCidr(cidr), `a network with more than ${index} addresses`);
  return formatIpAddress(found);
}
