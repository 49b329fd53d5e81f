import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'node:tls';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClientHelloReader, LARGEST_CLIENT_HELLO, type ClientHello } from '../../src/supervisor/client-hello.ts';

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const vector8 = (...parts: Buffer[]): Buffer => Buffer.concat([Buffer.from([Buffer.concat(parts).length]), ...parts]);
const vector16 = (...parts: Buffer[]): Buffer => Buffer.concat([u16(Buffer.concat(parts).length), ...parts]);
const extension = (type: number, data: Buffer): Buffer => Buffer.concat([u16(type), vector16(data)]);
const serverName = (name: string): Buffer =>
  extension(0, vector16(Buffer.concat([Buffer.from([0]), vector16(Buffer.from(name))])));

function message(extensions: Buffer | undefined, type = 1): Buffer {
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    vector8(Buffer.alloc(32, 1)),
    vector16(u16(0x1301)),
    vector8(Buffer.from([0])),
    ...(extensions === undefined ? [] : [vector16(extensions)]),
  ]);
  return Buffer.concat([Buffer.from([type, 0]), u16(body.length), body]);
}

/** Cuts a handshake message into records of the given sizes; the last one takes the rest. */
function records(handshake: Buffer, sizes: readonly number[] = []): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, Infinity]) {
    const payload = handshake.subarray(at, at + size);
    if (payload.length === 0) break;
    parts.push(Buffer.from([22, 3, 1]), vector16(payload));
    at += payload.length;
  }
  return Buffer.concat(parts);
}

function read(bytes: Buffer): ClientHello {
  return new ClientHelloReader().push(bytes);
}

async function helloOf(servername: string | undefined): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    ALPNProtocols: ['h2', 'http/1.1'],
    ...(servername === undefined ? {} : { servername }),
  });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

describe('ClientHelloReader', () => {
  test('reads the server name that OpenSSL sends, and that it sends none for an address', async () => {
    expect(read(await helloOf('kubernetes.default.svc'))).toEqual({
      kind: 'complete',
      serverName: 'kubernetes.default.svc',
    });
    expect(read(await helloOf(undefined))).toEqual({ kind: 'complete', serverName: undefined });
  });

  test('comes to the same result however records and segments cut the message', () => {
    const hello = message(Buffer.concat([extension(10, vector16(u16(29))), serverName('Kubernetes')]));
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
        (recordSizes, segmentSizes) => {
          const bytes = records(hello, recordSizes);
          const reader = new ClientHelloReader();
          let result: ClientHello = { kind: 'incomplete' };
          let at = 0;
          for (let turn = 0; at < bytes.length; turn++) {
            expect(result.kind).toBe('incomplete');
            const size = segmentSizes[turn % segmentSizes.length] as number;
            result = reader.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(result).toEqual({ kind: 'complete', serverName: 'kubernetes' });
          expect(reader.received.equals(bytes)).toBe(true);
        },
      ),
    );
  });

  test('never throws and never waits for more than the limit, whatever the bytes', () => {
    const hello = records(message(serverName('kubernetes')));
    const damaged = fc
      .array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const bytes = Buffer.from(hello);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    const garbage = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(damaged, garbage), (bytes) => {
        const reader = new ClientHelloReader();
        reader.push(bytes);
        expect(reader.push(Buffer.alloc(LARGEST_CLIENT_HELLO)).kind).not.toBe('incomplete');
      }),
      { numRuns: 2000 },
    );
  });

  test('hands on what follows the ClientHello', () => {
    const hello = records(message(serverName('kubernetes')));
    const reader = new ClientHelloReader();
    expect(reader.push(Buffer.concat([hello, Buffer.from('more')])).kind).toBe('complete');
    expect(reader.received.toString('latin1').endsWith('more')).toBe(true);
  });

  test('takes a ClientHello without extensions, as TLS 1.2 allows', () => {
    expect(read(records(message(undefined)))).toEqual({ kind: 'complete', serverName: undefined });
  });

  test.each<[string, Buffer]>([
    ['plain HTTP, at its first byte', Buffer.from('G')],
    ['an SSLv2 hello', Buffer.from([0x80, 0x2e, 1])],
    ['a record of another version', Buffer.from([22, 2])],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
    ['a record beyond 2^14 bytes', Buffer.from([22, 3, 1, 0x40, 1])],
    ['another handshake message', records(message(undefined, 2))],
    ['a message that announces more than the limit', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0x40, 0])],
    ['two server names', records(message(Buffer.concat([serverName('a'), serverName('b')])))],
    ['a length that points outside', records(message(Buffer.concat([u16(0), u16(50), Buffer.alloc(4)])))],
  ])('refuses %s', (_, bytes) => {
    expect(read(bytes).kind).toBe('invalid');
  });
});
