import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const engine = resolve(import.meta.dirname, '../../.cache/components/out/bin/engine');

let folder = '';
let kubeconfig = '';

/** A kubeconfig of an API server that nobody answers for: port 9 of a loopback address. */
const UNREACHABLE = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]
contexts: [{name: c, context: {cluster: c}}]
current-context: c
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k3s-engine-'));
  kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, UNREACHABLE);
});

afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  status: number | null;
  lines: readonly string[];
}

/** Runs an applet with a plan; sends SIGTERM when it has printed a line with `stopAfter` in it. */
async function run(applet: string, plan: string, stopAfter?: string): Promise<Ended> {
  const file = join(folder, 'plan.json');
  await writeFile(file, plan);
  const child = spawn(engine, [applet, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (stopAfter !== undefined && line.includes(stopAfter)) child.kill('SIGTERM');
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, lines };
}

const planOf = (components: Readonly<Record<string, readonly string[]>>): string =>
  JSON.stringify({ components: Object.entries(components).map(([name, args]) => ({ name, args })) });

describe('a plan that the engine cannot follow', () => {
  test.each([
    ['is not JSON', '{', 'unexpected EOF'],
    ['has a key that is not known', '{"componets": []}', 'unknown field "componets"'],
    [
      'is followed by something',
      '{"components": [{"name": "kube-scheduler"}]} {}',
      'something follows the JSON object',
    ],
    ['lists no components', '{"components": []}', 'it lists no components'],
    [
      'names a component of another applet',
      planOf({ kubelet: [] }),
      'unknown component "kubelet"; known are: kube-apiserver',
    ],
    [
      'lists a component twice',
      '{"components": [{"name": "kube-scheduler"}, {"name": "kube-scheduler"}]}',
      'component "kube-scheduler" is listed twice',
    ],
    ['leaves no time to stop', '{"stopTimeoutSeconds": 0, "components": []}', 'stopTimeoutSeconds is 0'],
  ])('because it %s is refused with the reason', async (_, plan, reason) => {
    const { status, lines } = await run('control-plane', plan);
    expect(status).toBe(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(reason);
    expect(lines[0]).toContain('plan.json');
  });
});

describe('components in one process', () => {
  test('stop in reverse order on SIGTERM', async () => {
    const args = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false'];
    const { status, lines } = await run(
      'control-plane',
      planOf({ 'kube-controller-manager': args, 'kube-scheduler': args }),
      'Running kube-scheduler',
    );
    expect(status).toBe(0);
    const own = lines.filter((line) => line.startsWith('engine: ')).map((line) => line.replace(/\d+ ms/, 'N ms'));
    expect(own).toEqual([
      `engine: Running kube-controller-manager --kubeconfig=${kubeconfig} --leader-elect=false`,
      `engine: Running kube-scheduler --kubeconfig=${kubeconfig} --leader-elect=false`,
      'engine: terminated: stopping',
      'engine: kube-scheduler stopped after N ms',
      'engine: kube-controller-manager stopped after N ms',
    ]);
  });

  test('all stop when one of them ends, which is named with its reason', async () => {
    const { status, lines } = await run(
      'control-plane',
      planOf({
        'kube-controller-manager': [`--kubeconfig=${kubeconfig}`],
        'kube-scheduler': ['--kubeconfig=/nowhere'],
      }),
    );
    expect(status).toBe(1);
    expect(lines).toContain(
      'engine: kube-scheduler ended by itself: --kubeconfig: stat /nowhere: no such file or directory',
    );
    expect(lines.some((line) => line.startsWith('engine: kube-controller-manager stopped'))).toBe(true);
  });

  test('do not start when the flags of one of them are wrong', async () => {
    const { status, lines } = await run('control-plane', planOf({ 'kube-scheduler': ['--no-such-flag=1'] }));
    expect(status).toBe(1);
    expect(lines).toEqual(['engine: kube-scheduler: unknown flag: --no-such-flag']);
  });

  test('say which of their flags is missing', async () => {
    const { status, lines } = await run('node', planOf({ flannel: [`--kubeconfig=${kubeconfig}`] }));
    expect(status).toBe(1);
    expect(lines).toEqual(['engine: flannel: --node-name is missing']);
  });

  test('wait for a pod CIDR until they are told to stop', async () => {
    const netConf = join(folder, 'net-conf.json');
    await writeFile(netConf, '{"Network": "10.42.0.0/16", "Backend": {"Type": "vxlan"}}');
    const { status, lines } = await run(
      'node',
      planOf({ flannel: [`--kubeconfig=${kubeconfig}`, '--node-name=here', `--net-conf=${netConf}`] }),
      'Running flannel',
    );
    expect(status).toBe(0);
    expect(lines.at(-1)).toMatch(/^engine: flannel stopped after \d+ ms$/);
  });
});
