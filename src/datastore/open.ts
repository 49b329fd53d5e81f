import { systemClock, type Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { systemRandom, type Random } from '../core/random.ts';
import { authService } from './api/auth.ts';
import { clusterService } from './api/cluster.ts';
import type { ServiceContext } from './api/context.ts';
import { healthService } from './api/health.ts';
import { kvService } from './api/kv.ts';
import { leaseService } from './api/lease.ts';
import { maintenanceService } from './api/maintenance.ts';
import { watchService } from './api/watch.ts';
import { Compactor } from './compaction.ts';
import { LeaseExpiry } from './lease/expiry.ts';
import { CommitQueue } from './mvcc/commit-queue.ts';
import { load } from './mvcc/load.ts';
import { Store } from './mvcc/store.ts';
import { unusable } from './storage/sqlite/errors.ts';
import { SqliteStorage } from './storage/sqlite/sqlite-storage.ts';
import { WatchHub } from './watch/hub.ts';
import { ResponseEncoder } from './watch/response-encoder.ts';
import { Http2Transport } from './wire/http2-transport.ts';
import type { MethodTable } from './wire/transport.ts';
import { listenPrivately } from './wire/unix-socket.ts';

const MEBIBYTE = 1024 * 1024;
/** etcd's limit of a request and the allowance that it makes for what surrounds it. */
const MAX_RECEIVE_BYTES = 2 * MEBIBYTE;

export interface OpenOptions {
  /** The SQLite database; created if missing, in a directory that exists. */
  file: string;
  /** Path of the unix socket. */
  socket: string;
  log: Logger;
  clock?: Clock;
  random?: Random;
  /** Encoded pairs kept in memory, in bytes. Default 64 MiB. */
  cacheBytes?: number;
  /** Between notifications of progress on a watch without events, in milliseconds. Default 5 s, as in k3s. */
  progressInterval?: number;
}

/** A datastore that runs on this thread. Closing it lets accepted writes finish and clients resume elsewhere. */
export interface OpenDatastore extends AsyncDisposable {
  /** Rejects if the storage breaks; nothing is written from then on, and the datastore must be closed and opened again. */
  readonly failed: Promise<never>;
  readonly revision: number;
}

/** Opens the database and serves the etcd API on the socket. Throws K3S_DATASTORE_* errors; then nothing is left open. */
export async function openDatastore(options: OpenOptions): Promise<OpenDatastore> {
  const { file, socket, log } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  await using opening = new AsyncDisposableStack();

  const started = clock.monotonic();
  const storage = opening.use(SqliteStorage.open(file, random));
  const store = new Store({ storage, clock, log, cacheBytes: options.cacheBytes ?? 64 * MEBIBYTE });
  const compactor = loadInto(store, file);

  const failure = Promise.withResolvers<never>();
  // Whoever is interested adds a handler; that nobody is must not end the process.
  failure.promise.catch(() => {});
  const queue = opening.use(new CommitQueue(store, log, (error) => failure.reject(storageFailed(file, error))));
  queue.addBackground(() => compactor.step());
  queue.addBackground(() => storage.maintain());
  const expiry = opening.use(new LeaseExpiry(store, queue, log));
  const hub = new WatchHub(store);

  const identity = { ...storage.identity, raftTerm: 1 };
  const context: ServiceContext = { store, queue, identity };
  const methods: MethodTable = new Map([
    ...kvService(context, compactor),
    ...watchService({
      store,
      hub,
      clock,
      random,
      encoder: new ResponseEncoder(identity, MAX_RECEIVE_BYTES),
      progressInterval: options.progressInterval ?? 5000,
    }),
    ...leaseService(context, expiry, random),
    ...maintenanceService(context),
    ...clusterService(context, `unix://${socket}`),
    ...authService(context),
    ...healthService(),
  ]);
  const transport = opening.use(new Http2Transport({ methods, clock, log, maxReceiveBytes: MAX_RECEIVE_BYTES }));
  await listenPrivately(socket, (path) => transport.listen(path));
  expiry.reschedule();
  queue.schedule();
  log.info('datastore is serving', {
    file,
    socket,
    revision: store.revision,
    keys: store.tree.size,
    milliseconds: Math.round(clock.monotonic() - started),
  });

  const opened = opening.move();
  return {
    failed: failure.promise,
    get revision() {
      return store.revision;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function loadInto(store: Store, file: string): Compactor {
  try {
    const { changeIds, keyIds } = load(store);
    return new Compactor(store, changeIds, keyIds);
  } catch (error) {
    throw unusable(file, error);
  }
}

function storageFailed(file: string, cause: unknown): K3sError {
  return new K3sError('K3S_DATASTORE_FAILED', `writing to the database ${file} failed`, {
    cause,
    fields: { file },
    retryable: true,
    hint: 'Check the disk; the datastore is opened again, and what was acknowledged is kept.',
  });
}
