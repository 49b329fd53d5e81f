/**
 * `npm run bench -- NAME [--json]`: runs one benchmark beside its peer and rewrites its section of docs/performance.md.
 * With --json the last line of the output is one object. `--list` names the benchmarks.
 * Exit status: 0 when it has measured, whether or not the targets are met; 1 when it could not.
 */
import { parseArgs } from 'node:util';
import { describeError } from '../src/core/errors.ts';
import type { BenchmarkResult } from './benchmark.ts';
import { BENCHMARKS } from './catalogue.ts';
import { recordInDocument } from './performance-document.ts';
import { metricsTable, renderText } from './table.ts';

const USAGE = `usage: npm run bench -- NAME [--json]
       npm run bench -- --list`;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, list: { type: 'boolean' } },
  });
  if (values.list === true) {
    for (const [name, load] of Object.entries(BENCHMARKS)) console.log(`${name.padEnd(12)} ${(await load()).question}`);
    return 0;
  }
  const [name, ...others] = positionals;
  const load = name === undefined ? undefined : BENCHMARKS[name];
  if (name === undefined || load === undefined || others.length > 0) {
    console.error(`${USAGE}\nknown are: ${Object.keys(BENCHMARKS).join(', ')}`);
    return 1;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const benchmark = await load();
  const result = await benchmark.run({ report: (line) => console.error(line), signal: stop.signal });
  await recordInDocument(name, result);
  show(name, result, values.json === true);
  return 0;
}

function show(name: string, { metrics, tables, notes }: BenchmarkResult, json: boolean): void {
  console.log([...tables, metricsTable(metrics)].map(renderText).join('\n\n'));
  console.log(`\n${notes.join('\n')}`);
  if (json) console.log(JSON.stringify({ name, metrics }));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${describeError(error)}`);
  process.exitCode = 1;
}
