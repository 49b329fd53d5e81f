import type { Random } from '../../core/random.ts';
import type { Engine } from '../engine.ts';
import { ResponseEncoder } from '../watch/response-encoder.ts';
import type { ServerIdentity } from '../wire/messages/header.ts';
import type { MethodTable } from '../wire/transport.ts';
import { authService } from './auth.ts';
import { clusterService } from './cluster.ts';
import { healthService } from './health.ts';
import { kvService } from './kv.ts';
import { leaseService } from './lease.ts';
import { maintenanceService } from './maintenance.ts';
import { watchService } from './watch.ts';

export interface ServiceOptions {
  readonly engine: Engine;
  readonly identity: ServerIdentity;
  readonly random: Random;
  /** How clients reach this server. */
  readonly clientUrl: string;
  /** Between notifications of progress on a watch without events, in milliseconds. */
  readonly progressInterval: number;
  /** Size at which responses to watches that allow it are split. */
  readonly fragmentBytes: number;
}

/** The etcd API, every service of it that is offered. */
export function etcdServices(options: ServiceOptions): MethodTable {
  const { engine, identity, random, clientUrl, progressInterval, fragmentBytes } = options;
  const { store, queue, compactor, expiry, hub } = engine;
  const context = { store, queue, identity };
  const encoder = new ResponseEncoder(identity, fragmentBytes);
  return new Map([
    ...kvService(context, compactor),
    ...watchService({ store, hub, random, encoder, progressInterval }),
    ...leaseService(context, expiry, random),
    ...maintenanceService(context),
    ...clusterService(context, clientUrl),
    ...authService(context),
    ...healthService(),
  ]);
}
