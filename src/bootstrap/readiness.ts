import { connect } from 'node:net';
import type { ClusterClient } from '../cluster/client.ts';
import type { Clock } from '../core/clock.ts';

/** Milliseconds between two looks at something that is starting: short, since a start is what people wait for. */
const INTERVAL = 25;

interface Wait {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Resolves when kube-apiserver says that it is ready to serve. However long that takes: its process may be in a restart. */
export async function apiServerReady(client: ClusterClient, { clock, signal }: Wait): Promise<void> {
  await poll(clock, signal, async () => (await client.raw('GET', '/readyz', { signal })).status === 200);
}

/** Resolves when something accepts connections there: a unix socket, or a TCP port. */
export async function listenerReady(
  where: { path: string } | { host: string; port: number },
  { clock, signal }: Wait,
): Promise<void> {
  await poll(
    clock,
    signal,
    () =>
      new Promise((resolve) => {
        const socket = connect(where, () => resolve(true));
        socket.once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      }),
  );
}

async function poll(clock: Clock, signal: AbortSignal, ready: () => Promise<boolean>): Promise<void> {
  while (!(await ready().catch(() => false))) await clock.sleep(INTERVAL, signal);
}
