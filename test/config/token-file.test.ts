import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';
import { readTokenFile } from '../../src/config/token-file.ts';

async function path(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'k3s-token-file-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'token');
}

/** Resolves once the reader, having looked at the file, waits for the next try. */
async function waiting(clock: VirtualClock): Promise<void> {
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
}

test('the token is what stands in the file, without white space around it', async () => {
  const file = await path();
  await writeFile(file, '  secret\n\n');
  expect(await readTokenFile('token-file', file, new VirtualClock())).toBe('secret');
});

test('a file that is missing or empty is waited for', async () => {
  const file = await path();
  const clock = new VirtualClock();
  const token = readTokenFile('token-file', file, clock);
  await waiting(clock);
  await writeFile(file, '\n');
  await clock.advance(2_000);
  await waiting(clock);
  await writeFile(file, 'secret\n');
  await clock.advance(2_000);
  expect(await token).toBe('secret');
});

test('after four minutes it is an error that names option and file', async () => {
  const file = await path();
  const clock = new VirtualClock();
  const failure = readTokenFile('agent-token-file', file, clock).catch((error: unknown) => error);
  for (let tries = 0; tries < 120; tries++) {
    await waiting(clock);
    await clock.advance(2_000);
  }
  expect(await failure).toMatchObject({
    code: 'K3S_CONFIG_TOKEN_FILE',
    message: `the file ${file} of --agent-token-file holds no token`,
  });
});

test('the wait ends with the program', async () => {
  const file = await path();
  const controller = new AbortController();
  const clock = new VirtualClock();
  const failure = readTokenFile('token-file', file, clock, controller.signal).catch((error: unknown) => error);
  await waiting(clock);
  controller.abort(new Error('stopping'));
  expect(await failure).toEqual(new Error('stopping'));
  expect(clock.pendingTimers).toBe(0);
});
