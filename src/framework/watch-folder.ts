import { watch } from 'node:fs';

/**
 * Calls back when something directly in `folder` may have changed. Recursive watching goes blind when a file is replaced by a rename, so
 * it is not used. Where the system has no watches left nothing is ever called.
 */
export function watchFolder(folder: string, changed: () => void): Disposable {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    return { [Symbol.dispose]() {} };
  }
}
