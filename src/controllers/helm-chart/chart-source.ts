import { createHash } from 'node:crypto';
import type { HelmChartSpec } from '../../crds/helm-chart.ts';
import type { HelmCommand } from './helm-runner.ts';
import { invalidChart } from './invalid-chart.ts';

/** Where a chart comes from. */
export interface ChartSource {
  /** What helm is given: a URL, a file, or a name in `repository`. */
  readonly chart: string;
  /** '' for a chart that needs none. */
  readonly repository: string;
  /** '' for the newest, and where the rest says which. */
  readonly version: string;
  /** The file `chart`, when the HelmChart holds the chart itself. */
  readonly content: Buffer | undefined;
  /** What makes it this chart and no other. */
  readonly identity: string;
}

const CHART_FILE = 'chart.tgz';

/** What `stable/` stood for; the repository is archived and still served. */
const STABLE = 'https://charts.helm.sh/stable';

const URL = /^https?:\/\//;

/** Throws K3S_HELM_CHART_INVALID. A path on the server is not a source: who may write HelmCharts need not see its files. */
export function chartSource({ chart = '', repo = '', version = '', chartContent = '' }: HelmChartSpec): ChartSource {
  if (chartContent !== '') {
    const content = decodeChart(chartContent);
    const identity = createHash('sha256').update(content).digest('hex');
    return { chart: CHART_FILE, repository: '', version: '', content, identity };
  }
  if (chart === '') throw invalidChart('neither spec.chart nor spec.chartContent is set');
  const common = { content: undefined, identity: JSON.stringify([repo, chart, version]) };
  if (URL.test(chart)) return { ...common, chart, repository: '', version: '' };
  if (chart.startsWith('oci://')) return { ...common, chart, repository: '', version };
  if (repo === '' && chart.startsWith('stable/')) {
    return { ...common, chart: chart.slice('stable/'.length), repository: STABLE, version };
  }
  if (repo === '') {
    throw invalidChart(`spec.chart ${chart} is neither a URL nor an oci:// reference, and spec.repo is not set`);
  }
  if (!URL.test(repo)) {
    throw invalidChart(`spec.repo ${repo} is not an http or https URL; an OCI chart is given by spec.chart alone`);
  }
  if (!/^[A-Za-z0-9]/.test(chart)) throw invalidChart(`spec.chart ${chart} is not the name of a chart`);
  return { ...common, chart, repository: repo, version };
}

function decodeChart(text: string): Buffer {
  const content = Buffer.from(text, 'base64');
  const expected = text.replaceAll(/\s/g, '').replace(/=+$/, '');
  if (content.toString('base64').replace(/=+$/, '') !== expected) throw invalidChart('spec.chartContent is not base64');
  if (content[0] !== 0x1f || content[1] !== 0x8b) throw invalidChart('spec.chartContent is not a chart archive (.tgz)');
  return content;
}

export interface RepositoryAccess {
  /** To be run before the chart can be named. */
  readonly commands: readonly HelmCommand[];
  /** How an install names the chart. */
  readonly chartArguments: readonly string[];
  readonly files: Readonly<Record<string, string | Uint8Array>>;
}

/** Credentials go by file and standard input: what is on a command line, everybody on the machine can read. */
export function repositoryAccess(
  { chart, repository, content }: ChartSource,
  auth: Readonly<Record<string, string>> | undefined,
  flags: readonly string[],
): RepositoryAccess {
  if (repository === '') {
    return { commands: [], chartArguments: [chart], files: content === undefined ? {} : { [CHART_FILE]: content } };
  }
  if (auth === undefined) return { commands: [], chartArguments: [chart, '--repo', repository], files: {} };
  const { username, password = '', 'tls.crt': certificate, 'tls.key': key } = auth;
  const words = ['repo', 'add', 'repository', repository, ...flags];
  const files: Record<string, string> = {};
  if (certificate !== undefined && key !== undefined) {
    words.push('--cert-file', 'client.crt', '--key-file', 'client.key');
    Object.assign(files, { 'client.crt': certificate, 'client.key': key });
  } else if (username === undefined) {
    throw invalidChart('the Secret of spec.authSecret has neither username and password nor tls.crt and tls.key');
  }
  if (username !== undefined) words.push('--username', username, '--password-stdin');
  const command = { arguments: words, ...(username === undefined ? {} : { stdin: password }) };
  return { commands: [command], chartArguments: [`repository/${chart}`], files };
}
