import { canonicalHost } from '../core/ip-address.ts';

export interface ServerNamesInput {
  readonly nodeName: string;
  /** The machine's own name; its first label is a name of the server too. */
  readonly hostname: string;
  readonly nodeIps: readonly string[];
  readonly nodeExternalIps: readonly string[];
  /** The first address of each service network: the `kubernetes` service. */
  readonly serviceIps: readonly string[];
  readonly advertiseAddress: string;
  /** What the user asked for with `--tls-san`. */
  readonly tlsSans: readonly string[];
}

/** Every name and address that a server's certificates are for, without repetition. */
export function serverNames(input: ServerNamesInput): string[] {
  const names = [
    ...input.tlsSans,
    '127.0.0.1',
    '::1',
    'localhost',
    input.nodeName,
    ...input.nodeExternalIps,
    input.hostname.split('.')[0] ?? '',
    ...input.nodeIps,
    ...input.serviceIps,
    input.advertiseAddress,
  ];
  return [...new Set(names.map((name) => canonicalHost(name.trim().toLowerCase())))].filter((name) => name !== '');
}
