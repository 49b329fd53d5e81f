import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { K3sError, systemErrorCode } from '../../core/errors.ts';

/** What the kernel's sockaddr_un holds, less the terminating NUL. */
const LONGEST_PATH = 107;

/**
 * Calls `listen` for a socket at `path` that only the owner may use. A socket that a dead process has left is removed; one that
 * answers, or anything else at that path, is an error.
 */
export async function listenPrivately(path: string, listen: (path: string) => Promise<void>): Promise<void> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new K3sError('K3S_DATASTORE_SOCKET', `the socket path ${path} is longer than ${LONGEST_PATH} bytes`, {
      fields: { path },
      hint: 'Choose a data directory with a shorter path.',
    });
  }
  await removeStale(path);
  try {
    await listen(path);
    await chmod(path, 0o600);
  } catch (error) {
    throw new K3sError('K3S_DATASTORE_SOCKET', `cannot listen on ${path}`, {
      cause: error,
      fields: { path },
      hint: 'Check that its directory exists and is writable.',
    });
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket() || (await answers(path))) {
    throw new K3sError('K3S_DATASTORE_SOCKET', `${path} is ${found.isSocket() ? 'in use' : 'not a socket'}`, {
      fields: { path },
      hint: found.isSocket() ? 'Stop the server that listens there.' : 'Move the file away.',
    });
  }
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
