import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { silentLogger } from '../../src/core/log.ts';
import { openDatastore } from '../../src/datastore/open.ts';
import { EtcdClient } from '../../src/datastore/testing/etcd-client.ts';
import { kvBattery } from './battery/kv.ts';
import { leaseBattery } from './battery/lease.ts';
import { serverBattery } from './battery/server.ts';
import { watchBattery } from './battery/watch.ts';

/**
 * The API as a client sees it. The expectations are etcd's: with ETCD_SOCKET set to the unix socket of a fresh etcd
 * (`etcd --listen-client-urls unix://...`), the same tests run against that one.
 */
describe('the etcd API over a socket', () => {
  const resources = new AsyncDisposableStack();
  let client: EtcdClient;

  beforeAll(async () => {
    let socket = process.env['ETCD_SOCKET'];
    if (socket === undefined) {
      const directory = await mkdtemp(join(tmpdir(), 'datastore-'));
      resources.defer(() => rm(directory, { recursive: true }));
      socket = join(directory, 'kine.sock');
      resources.use(await openDatastore({ file: join(directory, 'state.db'), socket, log: silentLogger }));
    }
    client = resources.use(await EtcdClient.connect(socket));
  });
  afterAll(() => resources.disposeAsync());

  const target = { client: () => client };
  kvBattery(target);
  watchBattery(target);
  leaseBattery(target);
  serverBattery(target);
});
