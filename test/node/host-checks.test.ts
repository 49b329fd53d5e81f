import { describe, expect, test } from 'vitest';
import { checkHost, describeHostChecks, hostErrors, type HostCheck } from '../../src/node/host-checks.ts';
import type { HostInventory } from '../../src/node/host-inventory.ts';
import { neededFeatures } from '../../src/node/kernel-features.ts';

const GIB = 2 ** 30;
const needs = { snapshotter: 'overlayfs', flannelBackend: 'vxlan' };
const options = neededFeatures({ ...needs, packetFilter: 'nftables' }).map(({ option }) => option);

/** A machine that has everything. */
const complete: HostInventory = {
  userId: 0,
  processStatus: 'CapEff:\t000001ffffffffff\n',
  kernel: {
    release: '6.1.0-18-amd64',
    config: new Map(options.map((option) => [option, 'built-in'] as const)),
    loaded: new Set(),
  },
  cgroups: {
    version: '2',
    controllers: new Set(['cpu', 'cpuset', 'memory', 'pids']),
    ownGroup: '/',
    initGroup: '/init.scope',
  },
  tools: new Set(['mount', 'umount', 'nft', 'iptables', 'ip', 'modprobe']),
  nftVersion: 'nftables v1.0.6 (Lester Gooch #5)',
  dataDirectory: {
    path: '/var/lib/rancher/k3s',
    writeError: undefined,
    free: 50 * GIB,
    size: 100 * GIB,
    freeFiles: 1_000_000,
    fileSystem: 'ext4',
  },
  portConflicts: [],
};

/** The checks that are not ok. */
function findings(changed: Partial<HostInventory>, given = needs): HostCheck[] {
  return checkHost({ ...complete, ...changed }, given).filter(({ status }) => status !== 'ok');
}

function data(changed: Partial<HostInventory['dataDirectory']>): Partial<HostInventory> {
  return { dataDirectory: { ...complete.dataDirectory, ...changed } };
}

const without = (...names: string[]): Set<string> =>
  new Set([...complete.tools].filter((tool) => !names.includes(tool)));

describe('checkHost', () => {
  test('has nothing to say about a machine that has everything', () => {
    expect(findings({})).toEqual([]);
  });

  test.each([
    ['a user who is not root', { userId: 1000 }, 'fail', 'K3S_HOST_NOT_ROOT', 'user 1000', 'sudo'],
    [
      'an unprivileged container',
      { processStatus: 'CapEff:\t0000000001000000\n' },
      'fail',
      'K3S_HOST_CAPABILITY',
      'without CAP_SYS_ADMIN and CAP_NET_ADMIN',
      'privileged',
    ],
    [
      'root without CAP_SYS_RESOURCE',
      { processStatus: 'CapEff:\t000001fffeffffff\n' },
      'warn',
      'K3S_HOST_CAPABILITY',
      'missing: containers',
      'oom_score_adj',
    ],
    [
      'cgroups without memory',
      { cgroups: { ...complete.cgroups, controllers: new Set(['cpu', 'cpuset', 'pids']) } },
      'fail',
      'K3S_HOST_CGROUPS',
      'without memory',
      'cgroup_enable=memory',
    ],
    [
      'cgroups without pids',
      { cgroups: { ...complete.cgroups, controllers: new Set(['cpu', 'cpuset', 'memory']) } },
      'fail',
      'K3S_HOST_CGROUPS',
      'without pids',
      'delegate',
    ],
    [
      'a read-only data directory',
      data({ writeError: 'EROFS' }),
      'fail',
      'K3S_HOST_DATA_DIRECTORY',
      'EROFS',
      'read-only',
    ],
    [
      'a data directory of somebody else',
      data({ writeError: 'EACCES' }),
      'fail',
      'K3S_HOST_DATA_DIRECTORY',
      'EACCES',
      'owner',
    ],
    ['a full disk', data({ free: GIB / 2 }), 'fail', 'K3S_HOST_DISK_FULL', '0.5 GiB free of 100.0 GiB', 'Free space'],
    ['a disk out of inodes', data({ freeFiles: 3 }), 'fail', 'K3S_HOST_DISK_FULL', 'only 3 more files', 'Free space'],
    [
      'a disk on which kubelet would evict',
      data({ size: 2000 * GIB }),
      'warn',
      'K3S_HOST_DISK_FULL',
      '50.0 GiB free',
      'Free',
    ],
    [
      'an overlay under the data directory',
      data({ fileSystem: 'overlay' }),
      'fail',
      'K3S_HOST_FILE_SYSTEM',
      'overlay,',
      'native',
    ],
    [
      'a user file system under it',
      data({ fileSystem: 'fuse.sshfs' }),
      'fail',
      'K3S_HOST_FILE_SYSTEM',
      'fuse.sshfs',
      'native',
    ],
    [
      'a machine without mount',
      { tools: without('mount') },
      'fail',
      'K3S_HOST_TOOL',
      'missing',
      'apt-get install mount',
    ],
    [
      'a machine with neither nft nor iptables',
      { tools: without('nft', 'iptables'), nftVersion: undefined },
      'fail',
      'K3S_HOST_TOOL',
      'missing',
      'apt-get install nftables',
    ],
    [
      'a machine without iproute2',
      { tools: without('ip') },
      'warn',
      'K3S_HOST_TOOL',
      'k3s killall',
      'apt-get install iproute2',
    ],
    [
      'a port in use',
      { portConflicts: [{ port: 10250, address: '0.0.0.0', owner: 'kubelet', heldBy: 'nginx (process 7)' }] },
      'fail',
      'K3S_HOST_PORT_IN_USE',
      '0.0.0.0:10250, which kubelet needs, is taken by nginx (process 7)',
      'Stop',
    ],
  ] as const)('%s', (_, changed, status, code, found, remedy) => {
    expect(findings(changed as Partial<HostInventory>)).toEqual([
      {
        name: expect.any(String),
        status,
        code,
        found: expect.stringContaining(found),
        remedy: expect.stringContaining(remedy),
      },
    ]);
  });

  test('an overlay under the data directory is fine for the native snapshotter', () => {
    expect(findings(data({ fileSystem: 'overlay' }), { ...needs, snapshotter: 'native' })).toEqual([]);
  });

  test('a missing kernel feature fails only where it is used', () => {
    const config = new Map(complete.kernel.config);
    config.delete('VXLAN');
    const changed = { kernel: { ...complete.kernel, config } };
    expect(findings(changed)).toMatchObject([{ status: 'fail', code: 'K3S_HOST_KERNEL', name: 'kernel: vxlan' }]);
    expect(findings(changed, { ...needs, flannelBackend: 'host-gw' })).toMatchObject([{ status: 'warn' }]);
  });

  test('a kernel that hides its configuration is given a try', () => {
    const found = findings({ kernel: { release: '6.1.0', loaded: new Set() } });
    expect(new Set(found.map(({ status }) => status))).toEqual(new Set(['warn']));
    expect(found.every((check) => check.found === 'unknown')).toBe(true);
  });

  test('iptables does where nftables is missing or too old', () => {
    const config = new Map([...(complete.kernel.config ?? []), ['IP_NF_IPTABLES', 'built-in'] as const]);
    const kernel = { ...complete.kernel, config };
    expect(findings({ kernel, tools: without('nft'), nftVersion: undefined })).toEqual([]);
    expect(findings({ kernel, tools: without('iptables'), nftVersion: 'nftables v0.9.8' })).toMatchObject([
      { status: 'fail', remedy: 'Install it: apt-get install iptables' },
    ]);
  });

  test('modprobe matters only to a kernel with modules', () => {
    expect(findings({ tools: without('modprobe') })).toEqual([]);
    const kernel = { ...complete.kernel, installed: new Set<string>() };
    expect(findings({ kernel, tools: without('modprobe') })).toMatchObject([
      { name: 'program: modprobe', status: 'warn' },
    ]);
  });
});

test('failed checks become errors that say what to do; warnings do not', () => {
  const errors = hostErrors(checkHost({ ...complete, userId: 7, tools: without('ip') }, needs));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({
    code: 'K3S_HOST_NOT_ROOT',
    message: 'user: user 7',
    hint: 'Run k3s as root, for example with sudo.',
  });
});

test('checks are printed one to a line, with what to do below and a count at the end', () => {
  const lines = describeHostChecks([
    { name: 'a', status: 'ok', found: 'there', remedy: '', code: 'K3S_HOST_TOOL' },
    { name: 'longer', status: 'fail', found: 'missing', remedy: 'Install it.', code: 'K3S_HOST_TOOL' },
  ]);
  expect(lines).toEqual([
    'ok    a       there',
    'FAIL  longer  missing',
    '              → Install it.',
    '',
    '1 ok, 0 warnings, 1 failed',
  ]);
});
