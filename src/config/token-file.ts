import { readFile } from 'node:fs/promises';
import type { Clock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';

const PATIENCE = 240_000;
const POLL = 2_000;

/**
 * Reads a secret from a file, which whatever provisions the machine may write only after the start: it is looked for every
 * 2 s for up to 4 minutes. The white space around the secret is not part of it.
 */
export async function readTokenFile(option: string, path: string, clock: Clock, signal?: AbortSignal): Promise<string> {
  const deadline = clock.monotonic() + PATIENCE;
  for (;;) {
    let cause: unknown;
    try {
      const token = (await readFile(path, 'utf8')).trim();
      if (token !== '') return token;
    } catch (error) {
      cause = error;
    }
    if (clock.monotonic() >= deadline) {
      throw new K3sError('K3S_CONFIG_TOKEN_FILE', `the file ${path} of --${option} holds no token`, {
        fields: { path, option },
        cause,
        hint: `Write the token into the file, or leave out --${option}`,
      });
    }
    await clock.sleep(POLL, signal);
  }
}
