import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { splice } from '../../src/supervisor/splice.ts';
import { textOf } from './stage.ts';

/** Two ends of a connection. */
async function openPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  return [near, far];
}

/** Two connections joined by a splice; the ends that are left over. */
async function openSpliced(): Promise<[Socket, Socket]> {
  const [left, inner] = await openPair();
  const [otherInner, right] = await openPair();
  inner.on('error', () => undefined);
  otherInner.on('error', () => undefined);
  splice(inner, otherInner);
  return [left, right];
}

describe('splice', () => {
  test('lets one direction go on after the other has ended', async () => {
    const [left, right] = await openSpliced();
    left.end('question');
    expect(await textOf(right)).toBe('question');
    right.end('answer');
    expect(await textOf(left)).toBe('answer');
  });

  test('passes a reset on as a reset, so that a cut-off stream does not look complete', async () => {
    for (const broken of [0, 1]) {
      const pair = await openSpliced();
      const whole = pair[1 - broken] as Socket;
      const error = once(whole.resume(), 'error');
      pair[broken]?.resetAndDestroy();
      expect((await error)[0]).toMatchObject({ code: 'ECONNRESET' });
    }
  });

  test('ends the other side when one is destroyed', async () => {
    const [left, inner] = await openPair();
    const [otherInner, right] = await openPair();
    splice(inner, otherInner);
    const ended = Promise.all([textOf(left), textOf(right)]);
    inner.destroy();
    expect(await ended).toEqual(['', '']);
    left.destroy();
    right.destroy();
  });
});
