import type { Metric, Table } from './benchmark.ts';

export function metricsTable(metrics: readonly Metric[]): Table {
  return {
    title: 'Result',
    columns: ['', 'ours', 'peer', 'ratio', 'target', ''],
    rows: metrics.map(({ id, ours, peer, unit, ratio, target, ok }) => [
      id,
      `${ours} ${unit}`,
      `${peer} ${unit}`,
      ratio.toFixed(2),
      `≤ ${target}`,
      ok ? 'met' : 'missed',
    ]),
  };
}

export function renderText(table: Table): string {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const render = (line: readonly string[]): string =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [table.title, ...lines.map(render)].join('\n');
}

export function renderMarkdown(table: Table): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = row(table.columns.map((_, column) => (column === 0 ? '---' : '---:')));
  return [`**${table.title}**`, '', row(table.columns), rule, ...table.rows.map(row)].join('\n');
}
