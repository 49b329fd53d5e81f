import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../core/errors.ts';
import type { LogFields, Logger, LogLevel } from '../core/log.ts';
import { openDatastore } from './open.ts';
import { CLOSE, toPlain, type WorkerInput, type WorkerMessage } from './worker-protocol.ts';

/** The entry of the worker thread that `startDatastore` makes. */
const port = parentPort;
if (port === null) throw new Error('this module runs as a worker thread');
const post = (message: WorkerMessage): void => port.postMessage(message);

/** Sends lines to the thread that owns the log, with errors as text because classes do not survive the passage. */
function forwardingLogger(bound: LogFields): Logger {
  const emit = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    const all = Object.entries({ ...bound, ...fields });
    const plain = all.map(([name, value]) => [name, value instanceof Error ? describeError(value) : value] as const);
    post({ kind: 'log', level, message, fields: Object.fromEntries(plain) });
  };
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
    child: (fields) => forwardingLogger({ ...bound, ...fields }),
  };
}

try {
  const datastore = await openDatastore({ ...(workerData as WorkerInput), log: forwardingLogger({}) });
  const close = async (): Promise<void> => {
    await datastore[Symbol.asyncDispose]();
    port.close();
  };
  port.once('message', (message) => {
    if (message === CLOSE) void close();
  });
  datastore.failed.catch((error: unknown) => {
    post({ kind: 'failed', error: toPlain(error) });
    void close();
  });
  post({ kind: 'serving' });
} catch (error) {
  post({ kind: 'failed', error: toPlain(error) });
  port.close();
}
