import { expect, test } from 'vitest';
import { type BuiltFile, type BuiltImage, componentSet } from '../../components/component-set.ts';

const engine: BuiltFile = { path: 'bin/engine', size: 3, sha256: 'aaaa', mode: 0o755 };
const runc: BuiltFile = { path: 'bin/runc', size: 3, sha256: 'bbbb', mode: 0o755 };
const pause: BuiltImage = {
  path: 'images/pause.tar',
  size: 1,
  sha256: 'cccc',
  mode: 0o644,
  reference: 'k3s.local/pause:1',
};

test('a component set lists files and images by path and keeps its hash whatever the order of building', () => {
  const set = componentSet([runc, engine], [pause]);
  expect(set.files).toEqual([engine, runc]);
  expect(set.images).toEqual([pause]);
  expect(componentSet([engine, runc], [pause]).hash).toBe(set.hash);
});

test('the hash of a component set changes with the content, mode or name of anything in it', () => {
  const { hash } = componentSet([engine], [pause]);
  expect(componentSet([{ ...engine, sha256: 'dddd' }], [pause]).hash).not.toBe(hash);
  expect(componentSet([{ ...engine, mode: 0o700 }], [pause]).hash).not.toBe(hash);
  expect(componentSet([engine], [{ ...pause, reference: 'k3s.local/pause:2' }]).hash).not.toBe(hash);
  expect(componentSet([engine, runc], [pause]).hash).not.toBe(hash);
});
