import { createHash } from 'node:crypto';
import type { HelmChartConfigSpec } from '../../crds/helm-chart-config.ts';
import type { FailurePolicy, HelmChart, HelmChartSpec } from '../../crds/helm-chart.ts';
import { chartSource, repositoryAccess } from './chart-source.ts';
import { parseGoDuration } from './go-duration.ts';
import type { HelmRun } from './helm-runner.ts';
import { invalidChart } from './invalid-chart.ts';
import type { References } from './references.ts';
import { HASH_LABEL, type ReleaseRef } from './release-record.ts';
import { setArguments } from './set-arguments.ts';
import { valuesFiles } from './values-files.ts';

/** How to bring a release to what a HelmChart asks for. */
export interface ReleasePlan {
  readonly release: ReleaseRef;
  readonly policy: FailurePolicy;
  /** Stands for what the user wants installed, and for nothing else: equal hashes need no upgrade. */
  readonly hash: string;
  /** Installs or upgrades. */
  readonly install: HelmRun;
}

/** Helm's own default, in ms. */
const DEFAULT_TIMEOUT = 300_000;

/** Helm names the objects of a release after it and refuses longer names. */
const LONGEST_NAME = 53;

/** Where helm keeps the release of a chart, whatever else its spec says. */
export function releaseOf({ metadata, spec }: HelmChart): ReleaseRef {
  const { name = '', namespace = '' } = metadata;
  return { name, namespace: spec?.targetNamespace || namespace, driver: spec?.driver ?? 'secret' };
}

/** Removes a release and waits until its objects are gone. */
export function uninstallRun({ name, namespace, driver }: ReleaseRef): HelmRun {
  const flags = ['--namespace', namespace, '--ignore-not-found', '--wait', `--timeout=${DEFAULT_TIMEOUT}ms`];
  return {
    commands: [{ arguments: ['uninstall', name, ...flags] }],
    files: {},
    environment: { HELM_DRIVER: driver },
    timeout: patienceFor(DEFAULT_TIMEOUT),
  };
}

/** Throws a TerminalError K3S_HELM_CHART_INVALID that says which field is wrong. */
export function planRelease(chart: HelmChart, config: HelmChartConfigSpec, references: References): ReleasePlan {
  const { spec = {} } = chart;
  const release = releaseOf(chart);
  check(release, spec);
  const source = chartSource(spec);
  const values = valuesFiles(spec, config, references);
  const settings = settingsOf(spec, config);
  const hash = hashOf({ source: source.identity, release, settings, values: values.map(({ text }) => text) });
  const { certificateAuthorities: authorities, dockerConfig } = references;
  const tls = [
    ...flag('--insecure-skip-tls-verify', spec.insecureSkipTLSVerify),
    ...(authorities.length === 0 ? [] : ['--ca-file', 'ca.pem']),
    ...flag('--pass-credentials', spec.authPassCredentials),
  ];
  const access = repositoryAccess(source, references.auth, tls);
  const timeout = timeoutOf(spec);
  const install = ['upgrade', '--install', release.name, ...access.chartArguments, '--namespace', release.namespace];
  install.push(
    ...flag('--create-namespace', spec.createNamespace),
    ...(source.version === '' ? [] : ['--version', source.version]),
    ...tls,
    ...flag('--plain-http', spec.plainHTTP),
    // Without --reset-values helm keeps the values of the last revision when there are none now.
    '--reset-values',
    '--history-max=10',
    `--timeout=${timeout}ms`,
    `--labels=${HASH_LABEL}=${hash}`,
    ...values.flatMap(({ file }) => ['--values', file]),
    ...settings,
  );
  return {
    release,
    policy: config.failurePolicy ?? spec.failurePolicy ?? 'reinstall',
    hash,
    install: {
      commands: [...access.commands, { arguments: install }],
      files: {
        ...access.files,
        ...Object.fromEntries(values.map(({ file, text }) => [file, text])),
        ...(authorities.length === 0 ? {} : { 'ca.pem': authorities.join('\n') }),
        ...(dockerConfig === undefined ? {} : { 'docker.json': dockerConfig }),
      },
      environment: {
        HELM_DRIVER: release.driver,
        ...(dockerConfig === undefined ? {} : { HELM_REGISTRY_CONFIG: 'docker.json' }),
      },
      timeout: patienceFor(timeout),
    },
  };
}

function check({ name }: ReleaseRef, { helmVersion = '' }: HelmChartSpec): void {
  if (name.length > LONGEST_NAME) {
    throw invalidChart(`the name has ${name.length} characters, and a Helm release may have ${LONGEST_NAME}`);
  }
  if (helmVersion !== '' && helmVersion !== 'v3') {
    throw invalidChart(`spec.helmVersion ${helmVersion} is not supported; leave it out`);
  }
}

/** What changes the objects that come out of the chart, or how they are applied. */
function settingsOf(spec: HelmChartSpec, config: HelmChartConfigSpec): string[] {
  const serverSide = config.serverSide ?? spec.serverSide;
  const forceConflicts = config.forceConflicts ?? spec.forceConflicts ?? false;
  return [
    ...flag('--take-ownership', spec.takeOwnership),
    ...(serverSide === undefined ? [] : [`--server-side=${serverSide}`]),
    // Helm refuses the combination with client-side apply.
    ...flag('--force-conflicts', forceConflicts && serverSide !== 'false'),
    ...setArguments(spec.set ?? {}),
  ];
}

/** The first 63 digits, because it becomes a label's value. */
function hashOf(wish: unknown): string {
  return createHash('sha256').update(JSON.stringify(wish)).digest('hex').toUpperCase().slice(0, 63);
}

/** In whole milliseconds. */
function timeoutOf({ timeout = '' }: HelmChartSpec): number {
  if (timeout === '') return DEFAULT_TIMEOUT;
  const parsed = parseGoDuration(timeout);
  if (parsed !== undefined) return Math.ceil(parsed);
  throw invalidChart(`spec.timeout ${JSON.stringify(timeout)} is not a duration such as 10m or 1h30m`);
}

/** Helm's time-out is for each operation (a hook, a download), not for the whole. */
function patienceFor(timeout: number): number {
  return 2 * timeout + 60_000;
}

function flag(name: string, on: boolean | undefined): string[] {
  return on === true ? [name] : [];
}
