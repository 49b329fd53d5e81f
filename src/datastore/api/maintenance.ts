import { AlarmResponse, DefragmentResponse, StatusResponse } from '../wire/messages/maintenance.ts';
import { header, type ServiceContext } from './context.ts';
import { unary, type ServiceMethods } from './service.ts';

/**
 * The etcd release whose behaviour is offered. Clients decide by it what they may use: kube-apiserver asks watches for their
 * progress only from 3.4.31 and 3.5.13 on.
 */
const ETCD_VERSION = '3.6.11';
const STORAGE_VERSION = '3.6.0';

/** etcdserverpb.Maintenance */
export function maintenanceService(context: ServiceContext): ServiceMethods {
  const { identity, queue, store } = context;

  const status = (): Buffer => {
    const size = store.storage.size();
    return StatusResponse.encodeFrame({
      header: header(context),
      version: ETCD_VERSION,
      storageVersion: STORAGE_VERSION,
      dbSize: size.total,
      dbSizeInUse: size.inUse,
      leader: identity.memberId,
      raftTerm: identity.raftTerm,
      raftIndex: store.revision,
      raftAppliedIndex: store.revision,
    });
  };

  const defragment = (): Buffer => {
    store.storage.requestDefragmentation();
    queue.schedule();
    return DefragmentResponse.encodeFrame({ header: header(context) });
  };

  return [
    ['/etcdserverpb.Maintenance/Status', unary(status)],
    // Alarms stay until somebody disarms them; a full disk is reported by the writes that it fails instead.
    ['/etcdserverpb.Maintenance/Alarm', unary(() => AlarmResponse.encodeFrame({ header: header(context) }))],
    ['/etcdserverpb.Maintenance/Defragment', unary(defragment)],
  ];
}
