/** What the variables of packaged manifests are made from. */
export interface ManifestSettings {
  /** Addresses of the cluster's DNS service; the first is the primary one. */
  readonly clusterDns: readonly [string, ...string[]];
  readonly clusterDomain: string;
  /** Folder for volumes of the local-path storage class. */
  readonly localStoragePath: string;
  /** Registry that images come from instead of our own archive; '' for the archive. */
  readonly systemDefaultRegistry: string;
  /** Kinds of node addresses in the order in which they are tried. */
  readonly preferredAddressTypes: readonly string[];
}

/** Where an image comes from: our archive, or a registry with upstream's images. */
const IMAGES = {
  COREDNS_IMAGE: { archive: 'k3s.local/coredns:1.15.0', upstream: 'rancher/mirrored-coredns-coredns:1.14.6' },
} as const;

/** The values of k3s's `%{NAME}%` variables, and of one for each image. */
export function manifestVariables(settings: ManifestSettings): Readonly<Record<string, string>> {
  const { clusterDns, systemDefaultRegistry: registry } = settings;
  const images = Object.entries(IMAGES).map(([name, { archive, upstream }]) => [
    name,
    registry === '' ? archive : `${registry}/${upstream}`,
  ]);
  return {
    CLUSTER_DNS: clusterDns[0],
    CLUSTER_DNS_LIST: `[${clusterDns.join(',')}]`,
    CLUSTER_DNS_IPFAMILYPOLICY: clusterDns.length > 1 ? 'RequireDualStack' : 'SingleStack',
    CLUSTER_DOMAIN: settings.clusterDomain,
    DEFAULT_LOCAL_STORAGE_PATH: settings.localStoragePath,
    SYSTEM_DEFAULT_REGISTRY: registry === '' ? '' : `${registry}/`,
    SYSTEM_DEFAULT_REGISTRY_RAW: registry,
    PREFERRED_ADDRESS_TYPES: settings.preferredAddressTypes.join(','),
    ...Object.fromEntries(images),
  };
}
