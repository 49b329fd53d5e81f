import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseResolvConf, FALLBACK_RESOLV_CONF, servesPods } from '../../src/node/resolv-conf.ts';

describe('servesPods', () => {
  test.each([
    ['a private server', 'search example.org\nnameserver 10.1.2.3\n', true],
    ['an IPv6 server', 'nameserver 2001:db8::53\n', true],
    ['the resolver of clouds at 169.254.169.254', 'nameserver 169.254.169.254', true],
    ['systemd-resolved’s stub', 'nameserver 127.0.0.53\noptions edns0\n', false],
    ['one reachable and one local server', 'nameserver 10.1.2.3\nnameserver ::1\n', false],
    ['another link-local server', 'nameserver 169.254.1.1\n', false],
    ['an IPv6 link-local server with its interface', 'nameserver fe80::1%eth0\n', false],
    ['a server that is commented out', '# nameserver 10.1.2.3\n', false],
    ['a host name', 'nameserver dns.example.org\n', false],
    ['nothing', '', false],
  ])('%s', (_, text, expected) => {
    expect(servesPods(text)).toBe(expected);
  });
});

describe('chooseResolvConf', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'resolv-conf-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('takes the first file of the host that serves pods', async () => {
    const [stub, real] = [join(folder, 'stub'), join(folder, 'real')];
    await writeFile(stub, 'nameserver 127.0.0.53\n');
    await writeFile(real, 'nameserver 192.0.2.1\n');
    expect(await chooseResolvConf(join(folder, 'own'), [stub, join(folder, 'absent'), real])).toBe(real);
  });

  test('writes a file with public resolvers when the host has none that pods can reach', async () => {
    const own = join(folder, 'etc', 'resolv.conf');
    expect(await chooseResolvConf(own, [join(folder, 'absent')])).toBe(own);
    expect(await readFile(own, 'utf8')).toBe(FALLBACK_RESOLV_CONF);
  });
});
