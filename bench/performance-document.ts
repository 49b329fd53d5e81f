import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { arch, cpus, release, totalmem } from 'node:os';
import { systemClock } from '../src/core/clock.ts';
import { K3sError } from '../src/core/errors.ts';
import type { BenchmarkResult } from './benchmark.ts';
import { metricsTable, renderMarkdown } from './table.ts';

export const PERFORMANCE_DOCUMENT = join(resolve(import.meta.dirname, '..'), 'docs/performance.md');

/** Puts what a benchmark has measured between its two markers in docs/performance.md; what people wrote around them stays. */
export async function recordInDocument(name: string, result: BenchmarkResult): Promise<void> {
  const document = await readFile(PERFORMANCE_DOCUMENT, 'utf8');
  await writeFile(PERFORMANCE_DOCUMENT, replaceSection(document, name, renderSection(name, result)));
}

export function replaceSection(document: string, name: string, section: string): string {
  const begin = `<!-- begin ${name} -->`;
  const end = `<!-- end ${name} -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) {
    throw new K3sError('K3S_BENCH_DOCUMENT', `${PERFORMANCE_DOCUMENT} has no place for ${name}`, {
      hint: `Add the lines '${begin}' and '${end}' where its results belong.`,
    });
  }
  return `${document.slice(0, from + begin.length)}\n${section}\n${document.slice(to)}`;
}

function renderSection(name: string, { metrics, tables, notes }: BenchmarkResult): string {
  const date = new Date(systemClock.now()).toISOString().slice(0, 10);
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? arch()}, ${memory}, Linux ${release()}`;
  return [
    `Measured on ${date} by \`npm run bench -- ${name}\` (${machine}).`,
    ...[metricsTable(metrics), ...tables].map(renderMarkdown),
    notes.map((note) => `- ${note}`).join('\n'),
  ].join('\n\n');
}
