import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { K3sError, systemErrorCode } from '../core/errors.ts';
import { hostPort } from '../core/ip-address.ts';
import type { Logger } from '../core/log.ts';
import { findPortHolder } from './port-holder.ts';

export interface ListenerOptions {
  /** Absent: every address of the machine, both families. */
  readonly address: string | undefined;
  readonly port: number;
  readonly onConnection: (socket: Socket) => void;
  readonly log: Logger;
}

/** Far more than a large cluster needs, and few enough to leave file descriptors to the rest of the process. */
const MOST_CONNECTIONS = 10_000;
/** Peers that vanished without a word are noticed after some minutes. */
const KEEP_ALIVE_DELAY = 30_000;

/** Opens the port. Rejects with a K3sError that says who is in the way. */
export async function listen(options: ListenerOptions): Promise<Server> {
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY,
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('connection', options.onConnection);
  const bound = Promise.withResolvers<void>();
  server.once('error', bound.reject);
  server.listen({ port: options.port, host: options.address }, bound.resolve);
  try {
    await bound.promise;
  } catch (error) {
    throw await explain(error, options);
  }
  // Out of file descriptors, for one; those who wait in the backlog are accepted later.
  server.on('error', (error) => options.log.warn('cannot accept a connection', { error }));
  server.off('error', bound.reject);
  return server;
}

export function boundPort(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function explain(error: unknown, { address, port }: ListenerOptions): Promise<unknown> {
  const where = address === undefined ? `port ${port}` : hostPort(address, port);
  const fields = { address, port };
  switch (systemErrorCode(error) ?? '') {
    case 'EADDRINUSE': {
      const holder = await findPortHolder(port);
      const who = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`;
      return new K3sError('K3S_SUPERVISOR_PORT_IN_USE', `${where} is in use by ${who}`, {
        fields: { ...fields, pid: holder?.pid },
        cause: error,
        hint: 'Stop that process or choose another port with --https-listen-port.',
      });
    }
    case 'EADDRNOTAVAIL':
      return new K3sError('K3S_SUPERVISOR_ADDRESS_UNKNOWN', `${address} is not an address of this machine`, {
        fields,
        cause: error,
        hint: 'Set --bind-address to an address that `ip address` shows, or leave it out to listen on all.',
      });
    case 'EACCES':
      return new K3sError('K3S_SUPERVISOR_PORT_DENIED', `may not listen on ${where}`, {
        fields,
        cause: error,
        hint: 'Run as root or choose a port above 1023 with --https-listen-port.',
      });
    default:
      return new K3sError('K3S_SUPERVISOR_LISTEN', `cannot listen on ${where}`, { fields, cause: error });
  }
}
