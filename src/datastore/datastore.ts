import { Worker } from 'node:worker_threads';
import { K3sError, describeError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { CLOSE, fromPlain, type WorkerInput, type WorkerMessage } from './worker-protocol.ts';

/** In MiB. Requests live briefly, so more would only be filled with garbage: Node's default takes 100 MB more under load. */
const YOUNG_GENERATION = 8;

export interface DatastoreOptions {
  /** The SQLite database; created if missing, in a directory that exists. */
  file: string;
  /** Path of the unix socket on which the etcd API is served; mode 0600. */
  socket: string;
  log: Logger;
  /** Gives up starting. A datastore that runs is ended by disposing of it, after whoever still needs it. */
  signal?: AbortSignal;
}

/** The etcd API on a SQLite database, in a worker thread so that neither blocks the other's event loop. */
export interface Datastore extends AsyncDisposable {
  /** For `--etcd-servers`. */
  readonly endpoint: string;
  /** Rejects with a K3sError when the datastore has ended without being told to; it can then be started again. */
  readonly failed: Promise<never>;
}

/**
 * Resolves once the API is served. Rejects with K3S_DATASTORE_LOCKED (another process uses the database), _CORRUPT, _KINE,
 * _FOREIGN, _SCHEMA, _OPEN, _SOCKET or _FAILED.
 */
export async function startDatastore(options: DatastoreOptions): Promise<Datastore> {
  options.signal?.throwIfAborted();
  const input: WorkerInput = { file: options.file, socket: options.socket };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'datastore',
    workerData: input,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION },
  });
  const serving = Promise.withResolvers<void>();
  const failure = Promise.withResolvers<never>();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let closing = false;

  const fail = (error: K3sError): void => {
    serving.reject(error);
    failure.reject(error);
  };
  // Whoever is interested adds a handler; that nobody is must not end the process.
  failure.promise.catch(() => {});
  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'log') options.log[message.level](message.message, message.fields);
    else if (message.kind === 'serving') serving.resolve();
    else fail(fromPlain(message.error));
  });
  worker.on('error', (error) => fail(died(describeError(error))));
  worker.on('exit', (code) => {
    if (!closing) fail(died(`it exited with code ${code}`));
  });

  const abort = (): void => serving.reject(options.signal?.reason);
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    await serving.promise;
  } catch (error) {
    closing = true;
    await worker.terminate();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }

  return {
    endpoint: `unix://${options.socket}`,
    failed: failure.promise,
    [Symbol.asyncDispose]: async () => {
      closing = true;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
      worker.postMessage(CLOSE);
      await exited;
    },
  };
}

function died(cause: string): K3sError {
  return new K3sError('K3S_DATASTORE_FAILED', 'the datastore has ended unexpectedly', {
    cause: new Error(cause),
    retryable: true,
    hint: 'It can be started again: what was acknowledged is on disk.',
  });
}
