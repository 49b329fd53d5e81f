import type { TLSSocket } from 'node:tls';
import { identityOfConnection, type Identity } from './identity.ts';

/** The other end of a terminated connection; the same for every request that comes over it. */
export interface Peer {
  /** From its client certificate, if that leads to the client authority. */
  readonly identity: Identity | undefined;
  readonly address: string;
}

export function peerOf(socket: TLSSocket): Peer {
  return { identity: identityOfConnection(socket), address: plainAddress(socket.remoteAddress ?? '') };
}

/** A listener for both families sees IPv4 clients as IPv6 ones (RFC 4291 §2.5.5.2); nobody else writes them so. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
