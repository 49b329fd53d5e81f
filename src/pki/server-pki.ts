import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { ensureAuthority, type Authority } from './authority.ts';
import { NODE_TLS, SERVER_TLS } from './certificate-places.ts';
import { PRIVATE_FILE, PUBLIC_FILE, writeFileIfChanged } from './files.ts';
import {
  AUTHORITIES,
  NODE_LEAVES,
  profileOf,
  SERVER_LEAVES,
  type AuthorityName,
  type NodeIdentity,
  type NodeLeafName,
  type ServerLeafName,
} from './layout.ts';
import { ensureLeaf, type Leaf } from './leaf.ts';
import { ensureServiceAccountKeys, type ServiceAccountKeys } from './service-account-keys.ts';

export interface PkiOptions {
  /** For example `/var/lib/rancher/k3s`. */
  readonly dataDir: string;
  readonly node: NodeIdentity;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds from issuing to expiry of a leaf; see `leafLifetime`. */
  readonly leafLifetime: number;
}

/** All keys and certificates of a server, on disk and ready for use. */
export interface ServerPki {
  /** `<dataDir>/server/tls` */
  readonly directory: string;
  readonly authorities: Readonly<Record<AuthorityName, Authority>>;
  readonly leaves: Readonly<Record<ServerLeafName, Leaf>>;
  /** The signing certificate alone, as kube-controller-manager wants it. */
  readonly signingCertificateFiles: Readonly<Record<'client' | 'server', string>>;
  readonly serviceAccountKeys: ServiceAccountKeys;
}

/** The certificates of the node of this machine. */
export interface NodePki {
  /** `<dataDir>/agent` */
  readonly directory: string;
  readonly clientAuthorityFile: string;
  readonly serverAuthorityFile: string;
  readonly leaves: Readonly<Record<NodeLeafName, Leaf>>;
}

/**
 * Creates what is missing below `<dataDir>/server/tls`, renews the leaves that need it, and uses the rest as it is.
 * A damaged or contradictory file is a K3sError that names it; nothing is overwritten then.
 */
export async function ensureServerPki(options: PkiOptions): Promise<ServerPki> {
  const directory = join(options.dataDir, SERVER_TLS);
  const authorities = await mapValues(AUTHORITIES, (layout) =>
    ensureAuthority(join(directory, layout.file), layout.prefix, options.clock),
  );
  const leaves = await mapValues(SERVER_LEAVES, (layout) =>
    ensure(options, join(directory, layout.file), authorities[layout.authority], layout, PUBLIC_FILE),
  );
  const withoutChain = async (name: 'client' | 'server'): Promise<string> => {
    const path = join(directory, `${AUTHORITIES[name].file}.nochain.crt`);
    await writeFileIfChanged(path, authorities[name].certificate.toString(), PUBLIC_FILE);
    return path;
  };
  return {
    directory,
    authorities,
    leaves,
    signingCertificateFiles: { client: await withoutChain('client'), server: await withoutChain('server') },
    serviceAccountKeys: await ensureServiceAccountKeys(directory),
  };
}

/** The same for the node beside the server, below `<dataDir>/agent`, signed here instead of by request. */
export async function ensureNodePki(
  authorities: Readonly<Record<'client' | 'server', Authority>>,
  options: PkiOptions,
): Promise<NodePki> {
  const directory = join(options.dataDir, NODE_TLS);
  const leaves = await mapValues(NODE_LEAVES, (layout) =>
    ensure(options, join(directory, layout.file), authorities[layout.authority], layout, PRIVATE_FILE),
  );
  const clientAuthorityFile = join(directory, 'client-ca.crt');
  const serverAuthorityFile = join(directory, 'server-ca.crt');
  await writeFileIfChanged(clientAuthorityFile, authorities.client.bundle, PRIVATE_FILE);
  await writeFileIfChanged(serverAuthorityFile, authorities.server.bundle, PRIVATE_FILE);
  return { directory, clientAuthorityFile, serverAuthorityFile, leaves };
}

async function ensure(
  options: PkiOptions,
  base: string,
  authority: Authority,
  layout: Parameters<typeof profileOf>[0],
  certificateMode: number,
): Promise<Leaf> {
  const leaf = await ensureLeaf({
    base,
    authority,
    profile: profileOf(layout, options.node),
    clock: options.clock,
    lifetime: options.leafLifetime,
    certificateMode,
  });
  if (leaf.issuedBecause !== undefined) {
    options.log.debug('issued a certificate', { file: leaf.certificateFile, because: leaf.issuedBecause });
  }
  return leaf;
}

async function mapValues<K extends string, V, R>(
  record: Readonly<Record<K, V>>,
  map: (value: V) => Promise<R>,
): Promise<Readonly<Record<K, R>>> {
  const entries = await Promise.all(
    Object.entries<V>(record).map(async ([key, value]) => [key, await map(value)] as const),
  );
  return Object.fromEntries(entries) as Record<K, R>;
}
