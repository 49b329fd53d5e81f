import { PRIVATE_FILE, PUBLIC_FILE } from './files.ts';
import {
  AUTHORITIES,
  NODE_LEAVES,
  SERVER_LEAVES,
  type AuthorityName,
  type LeafLayout,
  type NodeLeafName,
  type ServerLeafName,
} from './layout.ts';

/** The folders of certificates, relative to the data directory. */
export const SERVER_TLS = 'server/tls';
export const NODE_TLS = 'agent';

export type LeafName = ServerLeafName | NodeLeafName;

/** Where a certificate of this machine is: `<base>.crt` and `<base>.key`, relative to the data directory. */
export interface CertificatePlace {
  readonly base: string;
}

export interface LeafPlace extends CertificatePlace {
  readonly name: LeafName;
  readonly layout: LeafLayout;
  readonly certificateMode: number;
}

export interface AuthorityPlace extends CertificatePlace {
  readonly name: AuthorityName;
}

/** Every leaf certificate of a server and of the node beside it. */
export const LEAF_PLACES: readonly LeafPlace[] = [
  ...places(SERVER_LEAVES, SERVER_TLS, PUBLIC_FILE),
  ...places(NODE_LEAVES, NODE_TLS, PRIVATE_FILE),
];

export const AUTHORITY_PLACES: readonly AuthorityPlace[] = (Object.keys(AUTHORITIES) as AuthorityName[]).map(
  (name) => ({ name, base: authorityBase(name) }),
);

/** The path of an authority's pair, relative to the data directory, without its endings. */
export function authorityBase(name: AuthorityName): string {
  return `${SERVER_TLS}/${AUTHORITIES[name].file}`;
}

function places<N extends LeafName>(
  layouts: Readonly<Record<N, LeafLayout>>,
  folder: string,
  certificateMode: number,
): LeafPlace[] {
  return (Object.keys(layouts) as N[]).map((name) => {
    const layout = layouts[name];
    return { name, layout, base: `${folder}/${layout.file}`, certificateMode };
  });
}
