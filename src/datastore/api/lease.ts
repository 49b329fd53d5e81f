import { describeError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { LeaseExpiry } from '../lease/expiry.ts';
import { leaseNotFound, leaseTtlTooLarge } from '../wire/etcd-errors.ts';
import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from '../wire/messages/lease.ts';
import { Code, RpcError } from '../wire/status.ts';
import type { StreamHandler, StreamPeer } from '../wire/transport.ts';
import { header, type ServiceContext } from './context.ts';
import { unary, type ServiceMethods } from './service.ts';

/** etcd's bounds, in seconds. The lower one follows from its election timeout. */
const MIN_TTL = 2;
const MAX_TTL = 9_000_000_000;

/** etcdserverpb.Lease */
export function leaseService(context: ServiceContext, expiry: LeaseExpiry, random: Random): ServiceMethods {
  const { queue, store } = context;

  const freeId = (): bigint => {
    for (;;) {
      const id = BigInt(1 + Math.floor(random.next() * (2 ** 53 - 1)));
      if (store.leases.get(id) === undefined) return id;
    }
  };

  const grant = async (message: Buffer): Promise<Buffer> => {
    const request = LeaseGrantRequest.decode(message);
    if (request.ttl > MAX_TTL) throw leaseTtlTooLarge();
    const lease = await queue.submit((draft) =>
      draft.grantLease(request.id === 0n ? freeId() : request.id, Math.max(request.ttl, MIN_TTL)),
    );
    expiry.reschedule();
    return LeaseGrantResponse.encodeFrame({ header: header(context), id: lease.id, ttl: lease.ttl });
  };

  const revoke = async (message: Buffer): Promise<Buffer> => {
    const { id } = LeaseRevokeRequest.decode(message);
    const revision = await queue.submit((draft) => {
      draft.revokeLease(id);
      return draft.revision;
    });
    return LeaseRevokeResponse.encodeFrame({ header: header(context, revision) });
  };

  const timeToLive = (message: Buffer): Buffer => {
    const { id, keys } = LeaseTimeToLiveRequest.decode(message);
    const lease = store.leases.get(id);
    if (lease === undefined) return LeaseTimeToLiveResponse.encodeFrame({ header: header(context), id, ttl: -1 });
    return LeaseTimeToLiveResponse.encodeFrame({
      header: header(context),
      id,
      ttl: Math.max(0, Math.floor((lease.deadline - store.clock.monotonic()) / 1000)),
      grantedTtl: lease.ttl,
      keys: keys ? [...lease.keys] : [],
    });
  };

  const list = (): Buffer =>
    LeaseLeasesResponse.encodeFrame({ header: header(context), leases: store.leases.all().map(({ id }) => ({ id })) });

  /** The remaining life that a keep-alive leaves; 0 if there is no such lease, which is no error here. */
  const renew = async (id: bigint): Promise<number> => {
    const lease = store.leases.get(id);
    // One that has expired is only waiting for its end.
    if (lease === undefined || lease.deadline <= store.clock.monotonic()) return 0;
    try {
      const { ttl } = await queue.submit((draft) => draft.renewLease(id));
      return ttl;
    } catch (error) {
      if (error instanceof RpcError && error.code === leaseNotFound().code) return 0;
      throw error;
    }
  };

  return [
    ['/etcdserverpb.Lease/LeaseGrant', unary(grant)],
    ['/etcdserverpb.Lease/LeaseRevoke', unary(revoke)],
    ['/etcdserverpb.Lease/LeaseTimeToLive', unary(timeToLive)],
    ['/etcdserverpb.Lease/LeaseLeases', unary(list)],
    ['/etcdserverpb.Lease/LeaseKeepAlive', { kind: 'stream', open: (peer) => keepAlive(context, peer, renew) }],
  ];
}

function keepAlive(context: ServiceContext, peer: StreamPeer, renew: (id: bigint) => Promise<number>): StreamHandler {
  const answer = async (id: bigint): Promise<void> => {
    try {
      const ttl = await renew(id);
      peer.send(LeaseKeepAliveResponse.encodeFrame({ header: header(context), id, ttl }));
    } catch (error) {
      peer.end(error instanceof RpcError ? error : new RpcError(Code.INTERNAL, describeError(error)));
    }
  };
  return {
    received: (message) => void answer(LeaseKeepAliveRequest.decode(message).id),
    finished: () => peer.end(),
    drained: () => {},
    closed: () => {},
  };
}
