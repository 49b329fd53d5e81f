import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { planRelease, releaseOf, uninstallRun } from '../../../src/controllers/helm-chart/release-plan.ts';
import type { References } from '../../../src/controllers/helm-chart/references.ts';
import type { HelmChartConfigSpec } from '../../../src/crds/helm-chart-config.ts';
import type { HelmChart, HelmChartSpec } from '../../../src/crds/helm-chart.ts';

const NOTHING: References = {
  chartValues: [],
  configValues: [],
  certificateAuthorities: [],
  auth: undefined,
  dockerConfig: undefined,
};

const chart = (spec: HelmChartSpec, name = 'podinfo'): HelmChart => ({
  apiVersion: 'helm.cattle.io/v1',
  kind: 'HelmChart',
  metadata: { name, namespace: 'kube-system' },
  spec,
});
const REPO: HelmChartSpec = { chart: 'podinfo', repo: 'https://charts.example', version: '6.7.1' };
const plan = (spec: HelmChartSpec, config: HelmChartConfigSpec = {}, references: Partial<References> = {}) =>
  planRelease(chart(spec), config, { ...NOTHING, ...references });
const commandOf = (...given: Parameters<typeof plan>): string =>
  (plan(...given).install.commands.at(-1)?.arguments ?? []).join(' ');

describe('the command that installs a chart', () => {
  test('names the release after the object, in its namespace', () => {
    const { hash, install } = plan(REPO);
    const words =
      'upgrade --install podinfo podinfo --repo https://charts.example --namespace kube-system --version 6.7.1 ' +
      `--reset-values --history-max=10 --timeout=300000ms --labels=helmcharts.helm.cattle.io/configHash=${hash}`;
    expect(install.commands).toEqual([{ arguments: words.split(' ') }]);
    expect(hash).toMatch(/^[0-9A-F]{63}$/);
  });

  test.each<[string, HelmChartSpec, string]>([
    ['targetNamespace', { targetNamespace: 'web' }, '--namespace web'],
    ['createNamespace', { createNamespace: true }, '--create-namespace'],
    ['timeout', { timeout: '1m30s' }, '--timeout=90000ms'],
    ['takeOwnership', { takeOwnership: true }, '--take-ownership'],
    ['serverSide', { serverSide: 'auto' }, '--server-side=auto'],
    ['forceConflicts', { forceConflicts: true }, '--force-conflicts'],
    ['insecureSkipTLSVerify', { insecureSkipTLSVerify: true }, '--insecure-skip-tls-verify'],
    ['plainHTTP', { plainHTTP: true }, '--plain-http'],
    ['set', { set: { 'a.b': 'x,y', c: 3 } }, '--set-string a.b=x\\,y --set c=3'],
  ])('carries %s', (_, spec, words) => {
    expect(commandOf({ ...REPO, ...spec })).toContain(words);
  });

  test('takes a URL or an OCI reference as it is', () => {
    expect(commandOf({ chart: 'https://x.example/a-1.tgz', version: '9' })).not.toContain('--version');
    expect(commandOf({ chart: 'oci://x.example/charts/a', version: '9' })).toContain(
      'podinfo oci://x.example/charts/a ',
    );
    expect(commandOf({ chart: 'oci://x.example/charts/a', version: '9' })).toContain('--version 9');
    expect(commandOf({ chart: 'stable/mysql' })).toContain('podinfo mysql --repo https://charts.helm.sh/stable');
  });

  test('installs the chart that the object holds, whatever else it names', () => {
    const content = gzipSync('a chart');
    const { install } = plan({ ...REPO, chartContent: content.toString('base64').replaceAll(/(.{10})/g, '$1\n') });
    expect(install.commands[0]?.arguments).toEqual(expect.arrayContaining(['podinfo', 'chart.tgz']));
    expect(install.commands[0]?.arguments).not.toContain('--repo');
    expect(install.files['chart.tgz']).toEqual(content);
  });

  test('does not ask for what helm refuses: forced conflicts of client-side apply', () => {
    expect(commandOf({ ...REPO, serverSide: 'false', forceConflicts: true })).not.toContain('--force-conflicts');
  });

  test('keeps releases where the driver says', () => {
    expect(plan({ ...REPO, driver: 'configmap' }).install.environment).toEqual({ HELM_DRIVER: 'configmap' });
    expect(releaseOf(chart({ ...REPO, driver: 'configmap', targetNamespace: 'web' }))).toEqual({
      name: 'podinfo',
      namespace: 'web',
      driver: 'configmap',
    });
  });

  test('may take longer than one operation, and not for ever', () => {
    expect(plan({ ...REPO, timeout: '10m' }).install.timeout).toBe(2 * 600_000 + 60_000);
  });
});

describe('values', () => {
  const text = (spec: HelmChartSpec, config?: HelmChartConfigSpec, references?: Partial<References>): unknown[] => {
    const { files, commands } = plan(spec, config, references).install;
    const words = commands.at(-1)?.arguments ?? [];
    const names = words.flatMap((word, at) => (words[at - 1] === '--values' ? [word] : []));
    return names.map((name) => files[name]);
  };

  test('are given from the weakest to the strongest source', () => {
    const spec = { ...REPO, values: { from: 'values' }, valuesContent: 'from: content' };
    const config = { values: { from: 'config values' }, valuesContent: 'from: config content' };
    const references = {
      chartValues: [{ name: 's', text: 'from: secret' }],
      configValues: [{ name: 's', text: 'from: config secret' }],
    };
    expect(text(spec, config, references)).toEqual([
      'from: content',
      '{"from":"values"}',
      'from: secret',
      'from: config content',
      '{"from":"config values"}',
      'from: config secret',
    ]);
  });

  test.each<[string, HelmChartSpec, HelmChartConfigSpec, Partial<References>, string]>([
    ['text', { valuesContent: 'a: [1' }, {}, {}, 'spec.valuesContent, line 1'],
    ['a list', { valuesContent: '- 1' }, {}, {}, 'spec.valuesContent is a list where a mapping is expected'],
    ['a structure', { values: 'text' }, {}, {}, 'spec.values is a string where a mapping is expected'],
    ["the config's", {}, { valuesContent: 'a: 1\na: 2' }, {}, "the HelmChartConfig's spec.valuesContent, line 2"],
    [
      "a Secret's",
      {},
      {},
      { chartValues: [{ name: 'key v of Secret a/b', text: '{' }] },
      'key v of Secret a/b, line 1',
    ],
  ])('that helm could not read are refused: %s', (_, spec, config, references, message) => {
    expect(() => plan({ ...REPO, ...spec }, config, references)).toThrow(message);
    expect(() => plan({ ...REPO, ...spec }, config, references)).toThrow(
      expect.objectContaining({ code: 'K3S_HELM_CHART_INVALID', until: expect.any(String) }),
    );
  });

  test('of the config override the scalars of the chart, and an empty config overrides none', () => {
    const spec: HelmChartSpec = { ...REPO, failurePolicy: 'retry', forceConflicts: true, serverSide: 'true' };
    expect(plan(spec, {})).toMatchObject({ policy: 'retry' });
    expect(plan(spec, { failurePolicy: 'abort' })).toMatchObject({ policy: 'abort' });
    expect(commandOf(spec, { forceConflicts: false })).not.toContain('--force-conflicts');
  });
});

describe('credentials', () => {
  test('never stand on a command line', () => {
    const { install } = plan(
      { ...REPO, authPassCredentials: true },
      {},
      { auth: { username: 'me', password: 'hunter2' } },
    );
    expect(install.commands).toHaveLength(2);
    const words = 'repo add repository https://charts.example --pass-credentials --username me --password-stdin';
    expect(install.commands[0]).toEqual({ arguments: words.split(' '), stdin: 'hunter2' });
    expect(install.commands[1]?.arguments.slice(0, 4)).toEqual([
      'upgrade',
      '--install',
      'podinfo',
      'repository/podinfo',
    ]);
    expect(JSON.stringify(install.commands.map((command) => command.arguments))).not.toContain('hunter2');
  });

  test('may be a TLS certificate', () => {
    const { install } = plan(REPO, {}, { auth: { 'tls.crt': 'CERT', 'tls.key': 'KEY' } });
    expect(install.commands[0]?.arguments).toEqual(
      expect.arrayContaining(['--cert-file', 'client.crt', '--key-file', 'client.key']),
    );
    expect(install.files).toMatchObject({ 'client.crt': 'CERT', 'client.key': 'KEY' });
  });

  test('for a registry and authorities go into files', () => {
    const { install } = plan(
      { chart: 'oci://x.example/a' },
      {},
      { dockerConfig: '{}', certificateAuthorities: ['A', 'B'] },
    );
    expect(install.files).toMatchObject({ 'docker.json': '{}', 'ca.pem': 'A\nB' });
    expect(install.environment).toMatchObject({ HELM_REGISTRY_CONFIG: 'docker.json' });
    expect(install.commands[0]?.arguments.join(' ')).toContain('--ca-file ca.pem');
  });
});

describe('the hash', () => {
  const hash = (spec: HelmChartSpec, config?: HelmChartConfigSpec): string => plan(spec, config).hash;

  test.each<[string, HelmChartSpec]>([
    ['the version', { version: '6.7.2' }],
    ['the repository', { repo: 'https://other.example' }],
    ['values', { valuesContent: 'a: 1' }],
    ['set', { set: { a: 1 } }],
    ['how it is applied', { serverSide: 'true' }],
    ['the target', { targetNamespace: 'web' }],
  ])('changes with %s', (_, spec) => {
    expect(hash({ ...REPO, ...spec })).not.toBe(hash(REPO));
  });

  test.each<[string, HelmChartSpec]>([
    ['the time-out', { timeout: '20m' }],
    ['the failure policy', { failurePolicy: 'abort' }],
    ['the image of a Job', { jobImage: 'x', backOffLimit: 3 }],
    ['how the repository is reached', { insecureSkipTLSVerify: true, repoCA: 'CA' }],
  ])('does not change with %s', (_, spec) => {
    expect(hash({ ...REPO, ...spec })).toBe(hash(REPO));
  });

  test('does not change with the order of set', () => {
    expect(hash({ ...REPO, set: { a: 1, b: 2 } })).toBe(hash({ ...REPO, set: { b: 2, a: 1 } }));
  });
});

test.each<[string, HelmChartSpec, string]>([
  ['no chart at all', {}, 'neither spec.chart nor spec.chartContent is set'],
  ['a path on the server', { chart: '/etc/kubernetes' }, 'neither a URL nor an oci:// reference'],
  ['a chart without a repository', { chart: 'podinfo' }, 'spec.repo is not set'],
  [
    'a repository that is an OCI registry',
    { chart: 'a', repo: 'oci://x.example' },
    'an OCI chart is given by spec.chart alone',
  ],
  ['a chart that would be a flag', { chart: '--debug', repo: 'https://x.example' }, 'not the name of a chart'],
  ['a Helm of the past', { ...REPO, helmVersion: 'v2' }, 'spec.helmVersion v2 is not supported'],
  ['a time-out without a unit', { ...REPO, timeout: '30' }, 'spec.timeout "30" is not a duration'],
  ['content that is not base64', { chartContent: '***' }, 'spec.chartContent is not base64'],
  ['content that is no archive', { chartContent: 'aGVsbG8=' }, 'spec.chartContent is not a chart archive'],
])('a HelmChart with %s is refused', (_, spec, message) => {
  expect(() => plan(spec)).toThrow(message);
});

test('a name that Helm would refuse is refused with both lengths', () => {
  expect(() => planRelease(chart(REPO, 'x'.repeat(54)), {}, NOTHING)).toThrow(
    '54 characters, and a Helm release may have 53',
  );
});

test('credentials that are none are refused', () => {
  expect(() => plan(REPO, {}, { auth: { token: 'x' } })).toThrow(
    'neither username and password nor tls.crt and tls.key',
  );
});

test('uninstalling waits for the objects to be gone and accepts that there are none', () => {
  const { commands, environment } = uninstallRun({ name: 'podinfo', namespace: 'web', driver: 'secret' });
  expect(commands[0]?.arguments.join(' ')).toBe(
    'uninstall podinfo --namespace web --ignore-not-found --wait --timeout=300000ms',
  );
  expect(environment).toEqual({ HELM_DRIVER: 'secret' });
});
