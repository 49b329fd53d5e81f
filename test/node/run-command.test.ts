import { expect, test } from 'vitest';
import { runCommand } from '../../src/node/run-command.ts';

test('returns what the program printed, fed with the input and environment given', async () => {
  const printed = await runCommand('/bin/sh', ['-c', 'read line; echo "$line $NAME"'], {
    input: 'hello\n',
    environment: { NAME: 'you' },
  });
  expect(printed).toBe('hello you\n');
});

test('a failing program’s last words are in the message', async () => {
  await expect(runCommand('/bin/sh', ['-c', 'echo first; echo it broke >&2; exit 3'])).rejects.toMatchObject({
    code: 'K3S_COMMAND_FAILED',
    message: expect.stringContaining('ended with 3: it broke'),
  });
});

test('a program that is not installed is an error that says where to look', async () => {
  await expect(runCommand('no-such-program', [])).rejects.toMatchObject({ code: 'K3S_COMMAND_MISSING' });
});

test('aborting kills the program and rejects with the reason', async () => {
  const controller = new AbortController();
  const running = runCommand('/bin/sh', ['-c', 'exec sleep 600'], { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
});

test('tools for administrators are found even where PATH does not name their folders', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = '/usr/bin:/bin';
  try {
    expect(await runCommand('sh', ['-c', 'echo $PATH'])).toBe('/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin\n');
  } finally {
    process.env['PATH'] = path;
  }
});
