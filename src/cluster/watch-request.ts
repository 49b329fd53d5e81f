import { K3sError } from '../core/errors.ts';
import { ApiError, type ApiStatus } from './api-error.ts';
import type { WatchEvent } from './client.ts';
import { jsonLines } from './json-lines.ts';
import type { KubernetesObject } from './object.ts';
import type { Transport, TransportRequest } from './transport.ts';

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/** One watch as an iteration: the request goes out with the first event asked for and is closed when the iteration is left. */
export function watchRequest<T extends KubernetesObject>(
  transport: Transport,
  request: TransportRequest,
  onOpen: (() => void) | undefined,
): AsyncIterable<WatchEvent<T>> {
  return {
    [Symbol.asyncIterator]() {
      const left = new AbortController();
      const { signal } = request;
      const onAbort = (): void => left.abort(signal?.reason);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
      const forget = (): void => signal?.removeEventListener('abort', onAbort);
      const events = readEvents<T>(transport, { ...request, signal: left.signal }, onOpen, forget);
      return {
        next: () => events.next(),
        // A generator would not hear of this before the event that it waits for.
        async return() {
          left.abort(new DOMException('the watch was left', 'AbortError'));
          forget();
          await events.return(undefined).catch(() => {});
          return { done: true, value: undefined };
        },
      };
    },
  };
}

async function* readEvents<T extends KubernetesObject>(
  transport: Transport,
  request: TransportRequest,
  onOpen: (() => void) | undefined,
  onEnd: () => void,
): AsyncGenerator<WatchEvent<T>, undefined> {
  try {
    const pieces = await transport.stream(request);
    onOpen?.();
    for await (const line of jsonLines(pieces)) yield eventOf<T>(line as WireEvent<T>, request);
    return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { method, path } = request;
    throw new K3sError('K3S_API_MALFORMED', `${method} ${path}: the API server sent something that is not JSON`, {
      cause: error,
      fields: { method, path },
      retryable: true,
    });
  } finally {
    onEnd();
  }
}

type WireEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: KubernetesObject }
  | { type: 'ERROR'; object: ApiStatus };

function eventOf<T extends KubernetesObject>(event: WireEvent<T>, { method, path }: TransportRequest): WatchEvent<T> {
  if (event.type === 'BOOKMARK') {
    const { resourceVersion = '', annotations = {} } = event.object.metadata;
    return { type: 'BOOKMARK', resourceVersion, initialEventsEnd: annotations[INITIAL_EVENTS_END] === 'true' };
  }
  if (event.type === 'ERROR') throw new ApiError(event.object.code ?? 500, event.object, { method, path });
  return event;
}
