import type { Socket } from 'node:net';

/**
 * Copies bytes both ways until both directions have ended. The slower side holds the faster one back, the end of one direction
 * leaves the other open, and a side that breaks breaks the other. Both sockets must allow half-open connections and must have
 * listeners for `error`.
 */
export function splice(left: Socket, right: Socket): void {
  copy(left, right);
  copy(right, left);
}

function copy(from: Socket, to: Socket): void {
  from.pipe(to);
  from.once('close', (broken) => {
    // A clean end would tell the other side that it has received everything.
    if (broken) to.resetAndDestroy();
    else if (!from.readableEnded) to.destroy();
  });
}
