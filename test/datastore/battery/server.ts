import { describe, expect, test } from 'vitest';
import { AuthStatusRequest, AuthStatusResponse } from '../../../src/datastore/wire/messages/auth.ts';
import { MemberListRequest, MemberListResponse } from '../../../src/datastore/wire/messages/cluster.ts';
import { HealthCheckRequest, HealthCheckResponse, ServingStatus } from '../../../src/datastore/wire/messages/health.ts';
import {
  AlarmRequest,
  AlarmResponse,
  DefragmentRequest,
  DefragmentResponse,
  StatusRequest,
  StatusResponse,
} from '../../../src/datastore/wire/messages/maintenance.ts';
import { Code } from '../../../src/datastore/wire/status.ts';
import type { Target } from './battery.ts';

export function serverBattery({ client }: Target): void {
  describe('Maintenance, Cluster, Auth and Health', () => {
    test('Status names a version that allows progress requests, a size and who leads', async () => {
      const status = await client().call('/etcdserverpb.Maintenance/Status', StatusRequest, {}, StatusResponse);
      expect(status.version).toMatch(/^3\.[67]\./);
      expect(status.dbSize).toBeGreaterThan(0);
      expect(status.dbSizeInUse).toBeGreaterThan(0);
      expect(status.leader).toBe(status.header?.memberId);
      expect(status.header?.clusterId).not.toBe(0);
      expect(status.header?.raftTerm).toBeGreaterThan(0);
    });

    test('there are no alarms', async () => {
      const alarms = await client().call('/etcdserverpb.Maintenance/Alarm', AlarmRequest, {}, AlarmResponse);
      expect(alarms.alarms).toEqual([]);
    });

    test('Defragment succeeds', async () => {
      await client().call('/etcdserverpb.Maintenance/Defragment', DefragmentRequest, {}, DefragmentResponse);
    });

    test('MemberList has one member with an address', async () => {
      const { header, members } = await client().call(
        '/etcdserverpb.Cluster/MemberList',
        MemberListRequest,
        {},
        MemberListResponse,
      );
      expect(members).toMatchObject([{ id: header?.memberId, isLearner: false }]);
      expect(members[0]?.clientUrls).toHaveLength(1);
    });

    test('authentication is off', async () => {
      const status = await client().call('/etcdserverpb.Auth/AuthStatus', AuthStatusRequest, {}, AuthStatusResponse);
      expect(status.enabled).toBe(false);
      await expect(
        client().call('/etcdserverpb.Auth/Authenticate', AuthStatusRequest, {}, AuthStatusResponse),
      ).rejects.toMatchObject({
        code: Code.FAILED_PRECONDITION,
        message: 'etcdserver: authentication is not enabled',
      });
    });

    test('the health service says that it is serving', async () => {
      const health = await client().call('/grpc.health.v1.Health/Check', HealthCheckRequest, {}, HealthCheckResponse);
      expect(health.status).toBe(ServingStatus.SERVING);
      const watch = client().stream('/grpc.health.v1.Health/Watch', HealthCheckRequest, HealthCheckResponse);
      watch.send({});
      watch.finish();
      expect((await watch.next()).status).toBe(ServingStatus.SERVING);
      watch.cancel();
    });

    test('what does not exist is not implemented', async () => {
      await expect(
        client().call('/etcdserverpb.KV/Nothing', AuthStatusRequest, {}, AuthStatusResponse),
      ).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
    });
  });
}
