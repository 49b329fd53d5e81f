import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Component } from '../../components/bill-of-materials.ts';
import { contentHash } from '../../components/content-hash.ts';

const component: Component = {
  name: 'example',
  version: '1.0.0',
  what: 'an example',
  parts: [],
  build: { kind: 'go', packages: ['.'] },
  output: 'bin',
};

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'k3s-content-hash-'));
  writeFileSync(join(folder, 'go.mod'), 'module example\n');
  writeFileSync(join(folder, 'main.go'), 'package main\n');
});

afterEach(() => rmSync(folder, { recursive: true }));

test('the same sources and flags have the same hash', () => {
  expect(contentHash(component, folder)).toBe(contentHash(structuredClone(component), folder));
});

test.each(['go.mod', 'main.go'])('a change of %s changes the hash', (file) => {
  const before = contentHash(component, folder);
  appendFileSync(join(folder, file), '// changed\n');
  expect(contentHash(component, folder)).not.toBe(before);
});

test('moving text from one source into another changes the hash', () => {
  writeFileSync(join(folder, 'a.go'), 'one two');
  writeFileSync(join(folder, 'b.go'), '');
  const before = contentHash(component, folder);
  writeFileSync(join(folder, 'a.go'), 'one ');
  writeFileSync(join(folder, 'b.go'), 'two');
  expect(contentHash(component, folder)).not.toBe(before);
});

test('another flag changes the hash', () => {
  const tagged: Component = { ...component, build: { kind: 'go', packages: ['.'], tags: ['seccomp'] } };
  expect(contentHash(tagged, folder)).not.toBe(contentHash(component, folder));
});

test('files that are not compiled do not matter', () => {
  const before = contentHash(component, folder);
  writeFileSync(join(folder, 'README.md'), 'words');
  expect(contentHash(component, folder)).toBe(before);
});
