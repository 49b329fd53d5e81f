import { systemClock, type Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { systemRandom, type Random } from '../core/random.ts';
import { etcdServices } from './api/services.ts';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';
import { unusable } from './storage/sqlite/errors.ts';
import { SqliteStorage } from './storage/sqlite/sqlite-storage.ts';
import { Http2Transport } from './wire/http2-transport.ts';
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

/** A datastore that runs on this thread. Closing it lets accepted writes finish. */
export interface OpenDatastore extends AsyncDisposable {
  /** Rejects if the storage breaks; nothing is written from then on, and the datastore must be closed and opened again. */
  readonly failed: Promise<never>;
}

/** Opens the database and serves the etcd API on the socket. Throws K3S_DATASTORE_* errors; then nothing is left open. */
export async function openDatastore(options: OpenOptions): Promise<OpenDatastore> {
  const { file, socket, log, cacheBytes = 64 * MEBIBYTE, progressInterval = 5000 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  await using opening = new AsyncDisposableStack();

  const started = clock.monotonic();
  const storage = opening.use(SqliteStorage.open(file, random));
  const failure = Promise.withResolvers<never>();
  // Whoever is interested adds a handler; that nobody is must not end the process.
  failure.promise.catch(() => {});
  const failed = (error: unknown): void => failure.reject(storageFailed(file, error));
  const engine = opening.use(load(file, { storage, clock, log, cacheBytes, failed }));

  const methods = etcdServices({
    engine,
    identity: { ...storage.identity, raftTerm: 1 },
    random,
    clientUrl: `unix://${socket}`,
    progressInterval,
    fragmentBytes: MAX_RECEIVE_BYTES,
  });
  const transport = opening.use(new Http2Transport({ methods, clock, log, maxReceiveBytes: MAX_RECEIVE_BYTES }));
  await listenPrivately(socket, (path) => transport.listen(path));
  log.info('datastore is serving', {
    file,
    socket,
    revision: engine.store.revision,
    keys: engine.store.tree.size,
    milliseconds: Math.round(clock.monotonic() - started),
  });

  const opened = opening.move();
  return { failed: failure.promise, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function load(file: string, options: EngineOptions): Engine {
  try {
    return createEngine(options);
  } catch (error) {
    throw unusable(file, error);
  }
}

function storageFailed(file: string, cause: unknown): K3sError {
  return new K3sError('K3S_DATASTORE_FAILED', `writing to the database ${file} failed`, {
    cause,
    fields: { file },
    retryable: true,
    hint: 'Check the disk. What was acknowledged is kept, and the datastore can be started again.',
  });
}
