import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { HelmProcess } from '../../../src/controllers/helm-chart/helm-process.ts';
import {
  errorText,
  HelmEnded,
  type HelmResult,
  type HelmRun,
} from '../../../src/controllers/helm-chart/helm-runner.ts';

/** Does what its first argument says; stands for helm. */
const STUB = `
import { readdirSync, readFileSync, statSync } from 'node:fs';
const [verb, ...rest] = process.argv.slice(2);
const actions = {
  describe() {
    const files = Object.fromEntries(readdirSync('.').map((name) => [name, [readFileSync(name, 'utf8'), statSync(name).mode & 0o777]]));
    const input = readFileSync(0, 'utf8');
    console.log(JSON.stringify({ arguments: rest, environment: process.env, files, mode: statSync('.').mode & 0o777, input }));
  },
  fail() {
    console.log('something');
    console.error('level=WARN msg="old"');
    console.error('Error: UPGRADE FAILED: no such chart\\nsecond line');
    process.exit(1);
  },
  flood() {
    for (let line = 0; line < 20000; line++) console.log('line ' + line);
  },
  linger() {
    console.log('lingering');
    process.on('SIGTERM', () => { console.error('Release has been cancelled.'); process.exit(1); });
    setInterval(() => {}, 1000);
  },
};
actions[verb]();
`;

let directory: string;
let helm: HelmProcess;
let stopping: AbortController;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k3s-helm-'));
  await writeFile(join(directory, 'stub.mjs'), STUB);
  stopping = new AbortController();
  helm = new HelmProcess({
    command: [process.execPath, join(directory, 'stub.mjs')],
    directory: join(directory, 'helm'),
    kubeconfig: '/server/cred/admin.kubeconfig',
    clock: systemClock,
    stopping: stopping.signal,
    environment: { PATH: '/usr/bin', HTTPS_PROXY: 'http://proxy:3128', K3S_TOKEN: 'secret', HELM_PLUGINS: '/plugins' },
  });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const run = (verbs: string[], options: Partial<HelmRun> = {}, signal?: AbortSignal): Promise<HelmResult> =>
  helm.run(
    {
      commands: verbs.map((verb) => ({ arguments: verb.split(' ') })),
      files: {},
      environment: {},
      timeout: 60_000,
      ...options,
    },
    signal ?? new AbortController().signal,
  );
const leftovers = (): Promise<string[]> => readdir(join(directory, 'helm', 'runs'));

interface Described {
  arguments: string[];
  environment: Record<string, string>;
  files: Record<string, [string, number]>;
  mode: number;
  input: string;
}

describe('helm as a child process', () => {
  test('runs in a directory of its own, which only the server can read and which is gone afterwards', async () => {
    const { succeeded, output } = await run([], {
      commands: [{ arguments: ['describe', 'a', 'b c'], stdin: 'hunter2' }],
      files: { 'values.yaml': 'a: 1\n', 'chart.tgz': Buffer.from([1, 2]) },
      environment: { HELM_DRIVER: 'secret' },
    });
    expect(succeeded).toBe(true);
    const seen = JSON.parse(output) as Described;
    expect(seen).toMatchObject({ arguments: ['a', 'b c'], mode: 0o700, input: 'hunter2' });
    expect(seen.files).toMatchObject({ 'values.yaml': ['a: 1\n', 0o600], 'chart.tgz': ['\u0001\u0002', 0o600] });
    expect(await leftovers()).toEqual([]);
  });

  test('sees the cluster, proxies and private folders, and nothing else of the server', async () => {
    const { output } = await run(['describe'], { environment: { HELM_DRIVER: 'configmap' } });
    const { environment } = JSON.parse(output) as Described;
    expect(environment).toMatchObject({
      KUBECONFIG: '/server/cred/admin.kubeconfig',
      HTTPS_PROXY: 'http://proxy:3128',
      PATH: '/usr/bin',
      HELM_DRIVER: 'configmap',
      HELM_CACHE_HOME: join(directory, 'helm', 'cache'),
    });
    expect(environment['HOME']).toContain(join(directory, 'helm', 'runs'));
    expect(environment).not.toHaveProperty('K3S_TOKEN');
    expect(environment).not.toHaveProperty('HELM_PLUGINS');
  });

  test('that fails is reported with its own words, and what was to follow does not run', async () => {
    const { succeeded, output } = await run(['fail', 'describe']);
    expect(succeeded).toBe(false);
    expect(errorText(output)).toBe('UPGRADE FAILED: no such chart\nsecond line');
    expect(output).not.toContain('"arguments"');
    expect(await leftovers()).toEqual([]);
  });

  test('that says a great deal has the end of it kept', async () => {
    const { output } = await run(['flood']);
    expect(output.length).toBeLessThanOrEqual(64 * 1024);
    expect(output.endsWith('line 19999\n')).toBe(true);
  });

  test('is ended when its caller has enough, for the reason that that gives', async () => {
    const controller = new AbortController();
    const running = run(['linger'], {}, controller.signal);
    controller.abort(new Error('the spec has changed'));
    await expect(running).rejects.toThrow('the spec has changed');
    expect(await leftovers()).toEqual([]);
  });

  test('is ended when the server stops, and that is no failure of the chart', async () => {
    const running = run(['linger']);
    stopping.abort();
    await expect(running).rejects.toThrow(HelmEnded);
    await expect(run(['describe'])).rejects.toThrow('the server is stopping');
    expect(await leftovers()).toEqual([]);
  });

  test('is ended when its time is up, and that is said', async () => {
    const { succeeded, output } = await run(['linger'], { timeout: 1 });
    expect(succeeded).toBe(false);
    expect(errorText(output)).toBe('helm did not end within 0.001 s');
  });

  test('that is not there is an error that names it', async () => {
    helm = new HelmProcess({
      command: [join(directory, 'missing'), 'helm'],
      directory: join(directory, 'helm'),
      kubeconfig: '',
      clock: systemClock,
      stopping: stopping.signal,
      environment: {},
    });
    await expect(run(['describe'])).rejects.toMatchObject({
      code: 'K3S_HELM_RUN',
      message: `helm cannot be started (${join(directory, 'missing')})`,
    });
    expect(await leftovers()).toEqual([]);
  });
});

describe('the text of an error', () => {
  test('is the end of what was said where helm does not say "Error:"', () => {
    expect(errorText('one\ntwo\nthree\nfour\n')).toBe('two\nthree\nfour');
  });

  test('is bounded', () => {
    expect(errorText(`Error: ${'x'.repeat(5000)}`).length).toBe(1025);
  });
});
