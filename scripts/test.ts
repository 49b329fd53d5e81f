/**
 * `npm test`: unit tests with coverage, then integration tests on real clusters; closes with one line for both.
 * `npm run test:integration [-- NAME...]`: integration tests alone, those whose file names match.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildComponents } from '../components/build.ts';

const root = resolve(import.meta.dirname, '..');
const results = join(root, '.cache/test');
mkdirSync(results, { recursive: true });

let passed = 0;
let failed = 0;

function run(project: string, args: readonly string[]): void {
  const report = join(results, `${project}.json`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawnSync(
    process.execPath,
    [
      vitest,
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  const summary = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    success: boolean;
  };
  passed += summary.numPassedTests;
  failed += summary.numFailedTests;
  // A suite that does not load or a coverage threshold that is missed fails without a failed test.
  if (child.status !== 0 && summary.numFailedTests === 0) failed++;
}

console.log('== components');
await buildComponents({ report: (line) => console.log(line) });
const [only, ...filters] = process.argv.slice(2);
if (only === undefined) {
  console.log('== unit tests');
  run('unit', ['--coverage']);
}
console.log('== integration tests');
run('integration', filters);

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
