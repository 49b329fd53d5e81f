import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { components } from '../../components/bill-of-materials.ts';

const folder = resolve(import.meta.dirname, '../../components');

const goComponents = components.flatMap(({ name, version, parts, build }) =>
  build.kind === 'go' ? [{ name, version, parts, stamps: build.stamps ?? {} }] : [],
);

describe.each(goComponents)('$name in the bill of materials', ({ name, version, parts, stamps }) => {
  const moduleFile = readFileSync(join(folder, name, 'go.mod'), 'utf8');

  test('names the versions that its go.mod pins', () => {
    for (const part of parts.filter(({ module }) => module !== undefined)) {
      const line = `${part.module} v${part.version}`.replaceAll('.', '\\.');
      expect(moduleFile).toMatch(new RegExp(`^(require |\\t)${line}( |$)`, 'm'));
    }
  });

  test('is built by the same Go as all others, from checksummed modules', () => {
    expect(moduleFile).toMatch(/^go 1\.26\.8$/m);
    expect(existsSync(join(folder, name, 'go.sum'))).toBe(true);
  });

  test('stamps its programs only with versions that it names', () => {
    // client-go's versions are those of Kubernetes with the first number replaced.
    const known = [version, ...parts.map((part) => part.version), version.replace(/^1/, '0')];
    for (const [variable, value] of Object.entries(stamps)) {
      if (/version$/i.test(variable)) expect(known).toContain(value.replace(/^v/, ''));
    }
  });
});

test('every component has its sources in a folder of its own', () => {
  const names = components.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(existsSync(join(folder, name))).toBe(true);
});
