import { MemberListResponse } from '../wire/messages/cluster.ts';
import { header, type ServiceContext } from './context.ts';
import { unary, type ServiceMethods } from './service.ts';

/** etcdserverpb.Cluster: one member, reached at `clientUrl`. */
export function clusterService(context: ServiceContext, clientUrl: string): ServiceMethods {
  const list = (): Buffer =>
    MemberListResponse.encodeFrame({
      header: header(context),
      members: [{ id: context.identity.memberId, name: 'default', peerUrls: [clientUrl], clientUrls: [clientUrl] }],
    });
  return [['/etcdserverpb.Cluster/MemberList', unary(list)]];
}
