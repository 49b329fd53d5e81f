import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { SERVER_OPTIONS } from '../../src/config/server-options.ts';

const root = resolve(import.meta.dirname, '../..');
const CODE = /K3S_[A-Z0-9]+(?:_[A-Z0-9]+)+/g;

/** Names of the same form that are environment variables. */
const variables = new Set<string>([
  ...SERVER_OPTIONS.flatMap((option) => ('env' in option ? [option.env] : [])),
  'K3S_DATASTORE_ENDPOINT',
  'K3S_END_WITH_PARENT',
  'K3S_AGENT_TOKEN',
]);

function codesInSources(): string[] {
  const files = ['src', 'components'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('testing/'))
      .map((name) => join(root, folder, name)),
  );
  const quoted = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/'(K3S_[A-Z0-9_]+[A-Z0-9])'/g)].map((match) => match[1] ?? ''),
  );
  return [...new Set(quoted)].filter((code) => !variables.has(code)).sort();
}

function codesInDocs(): string[] {
  const rows = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `K3S_'));
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(CODE)].map(([code]) => code)).sort();
}

test('docs/errors.md lists every error code of the sources, and no other', () => {
  expect(codesInDocs()).toEqual(codesInSources());
});
