import { describe, expect, test } from 'vitest';
import {
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
} from '../../../src/datastore/wire/messages/lease.ts';
import { EventType } from '../../../src/datastore/wire/messages/watch.ts';
import { Code } from '../../../src/datastore/wire/status.ts';
import { bytes, prefixEnd, type Target } from './battery.ts';

export function leaseBattery({ client }: Target): void {
  describe('Lease', () => {
    test('grants with an id of ours or of the client’s, and lists', async () => {
      const granted = await client().grantLease(600);
      expect(granted).toMatchObject({ ttl: 600, error: '' });
      expect(granted.id).toBeGreaterThan(0n);
      const chosen = 2n ** 62n + 1n;
      expect((await client().grantLease(600, chosen)).id).toBe(chosen);
      const { leases } = await client().call(
        '/etcdserverpb.Lease/LeaseLeases',
        LeaseLeasesRequest,
        {},
        LeaseLeasesResponse,
      );
      expect(leases.map(({ id }) => id)).toEqual(expect.arrayContaining([granted.id, chosen]));
      await expect(client().grantLease(600, chosen)).rejects.toMatchObject({
        code: Code.FAILED_PRECONDITION,
        message: 'etcdserver: lease already exists',
      });
      await client().revokeLease(chosen);
    });

    test('refuses a life beyond etcd’s limit and lengthens one that is too short', async () => {
      await expect(client().grantLease(9_000_000_001)).rejects.toMatchObject({
        code: Code.OUT_OF_RANGE,
        message: 'etcdserver: too large lease TTL',
      });
      const { id, ttl } = await client().grantLease(1);
      expect(ttl).toBe(2);
      await client().revokeLease(id);
    });

    test('tells the time left and the attached keys', async () => {
      const { id } = await client().grantLease(600);
      await client().put({ key: 'l1/b', lease: id });
      await client().put({ key: 'l1/a', lease: id });
      const state = await client().timeToLive(id);
      expect(state.grantedTtl).toBe(600);
      expect(state.ttl).toBeGreaterThan(590);
      expect(state.keys.toSorted()).toEqual(['l1/a', 'l1/b']);
      await client().put({ key: 'l1/a', lease: 0n });
      await client().deleteRange({ key: 'l1/b' });
      expect((await client().timeToLive(id)).keys).toEqual([]);
      await client().revokeLease(id);
      expect((await client().timeToLive(id)).ttl).toBe(-1);
    });

    test('revoking deletes the attached keys at one revision, and watchers see it', async () => {
      const { id } = await client().grantLease(600);
      for (const name of ['b', 'a', 'c']) await client().put({ key: `l2/${name}`, value: bytes('v'), lease: id });
      await client().put({ key: 'l2/c', value: bytes('kept') });
      const stream = client().watch();
      stream.send({ create: { key: 'l2/', rangeEnd: prefixEnd('l2/'), prevKv: true } });
      await stream.next();
      const before = await client().revision();
      const reply = await client().revokeLease(id);
      expect(reply.header?.revision).toBe(before + 1);
      const { events } = await stream.next();
      expect(events.map(({ type, kv, prevKv }) => [type, kv?.key, prevKv?.lease])).toEqual([
        [EventType.DELETE, 'l2/a', id],
        [EventType.DELETE, 'l2/b', id],
      ]);
      expect((await client().range({ key: 'l2/', rangeEnd: prefixEnd('l2/') })).kvs).toMatchObject([{ key: 'l2/c' }]);
      await expect(client().revokeLease(id)).rejects.toMatchObject({ code: Code.NOT_FOUND });
      stream.cancel();
    });

    test('a key belongs to the lease of its last put', async () => {
      const first = await client().grantLease(600);
      const second = await client().grantLease(600);
      await client().put({ key: 'l3/a', lease: first.id });
      await client().put({ key: 'l3/a', lease: second.id });
      await client().revokeLease(first.id);
      expect((await client().range({ key: 'l3/a' })).count).toBe(1);
      await client().revokeLease(second.id);
      expect((await client().range({ key: 'l3/a' })).count).toBe(0);
    });

    test('is kept alive, and a keep-alive of an unknown lease reports no life', async () => {
      const { id } = await client().grantLease(600);
      const stream = client().stream(
        '/etcdserverpb.Lease/LeaseKeepAlive',
        LeaseKeepAliveRequest,
        LeaseKeepAliveResponse,
      );
      stream.send({ id });
      expect(await stream.next()).toMatchObject({ id, ttl: 600 });
      stream.send({ id: 424242n });
      expect(await stream.next()).toMatchObject({ id: 424242n, ttl: 0 });
      stream.finish();
      await stream.ended;
    });
  });
}
