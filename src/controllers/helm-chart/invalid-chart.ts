import { TerminalError } from '../../framework/outcome.ts';

/** What is wrong with a HelmChart, or with its HelmChartConfig, so that helm need not be asked. */
export function invalidChart(problem: string): TerminalError {
  return new TerminalError('K3S_HELM_CHART_INVALID', problem, {
    until: 'the HelmChart or its HelmChartConfig changes',
  });
}
