import { describeError } from '../../core/errors.ts';
import { readYaml } from '../../core/yaml.ts';
import type { HelmChartConfigSpec } from '../../crds/helm-chart-config.ts';
import type { HelmChartSpec } from '../../crds/helm-chart.ts';
import { invalidChart } from './invalid-chart.ts';
import type { NamedText, References } from './references.ts';

export interface ValuesFile {
  readonly file: string;
  readonly text: string;
}

/**
 * The values files of a release. Later ones win: the config's over the chart's, and of each first the text, then the structure, then
 * the Secrets. Throws K3S_HELM_CHART_INVALID for one that helm could not read.
 */
export function valuesFiles(
  chart: HelmChartSpec,
  config: HelmChartConfigSpec,
  { chartValues, configValues }: Pick<References, 'chartValues' | 'configValues'>,
): ValuesFile[] {
  const sources = [
    ...inline(chart, 'spec'),
    ...chartValues,
    ...inline(config, "the HelmChartConfig's spec"),
    ...configValues,
  ];
  return sources.map(({ name, text }, at) => {
    check(name, text);
    return { file: `values-${String(at).padStart(3, '0')}.yaml`, text };
  });
}

function inline({ valuesContent = '', values }: HelmChartConfigSpec, where: string): NamedText[] {
  return [
    ...(valuesContent === '' ? [] : [{ name: `${where}.valuesContent`, text: valuesContent }]),
    ...(values === undefined || values === null ? [] : [{ name: `${where}.values`, text: JSON.stringify(values) }]),
  ];
}

function check(name: string, text: string): void {
  const value = parse(name, text);
  if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return;
  throw invalidChart(`${name} is a ${Array.isArray(value) ? 'list' : typeof value} where a mapping is expected`);
}

function parse(name: string, text: string): unknown {
  try {
    return readYaml(text, name);
  } catch (cause) {
    throw invalidChart(cause instanceof Error ? cause.message : describeError(cause));
  }
}
