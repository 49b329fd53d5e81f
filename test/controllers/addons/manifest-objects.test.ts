import { describe, expect, test } from 'vitest';
import { readManifestObjects } from '../../../src/controllers/addons/manifest-objects.ts';

const names = (text: string): string[] =>
  readManifestObjects(text).objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
const messages = (text: string): string[] => readManifestObjects(text).problems.map(({ message }) => message);

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;

describe('the objects of a manifest', () => {
  test('are those of its documents, in their order', () => {
    expect(names(`---\n${configMap('a')}---\n# nothing\n---\n${configMap('b')}`)).toEqual([
      'ConfigMap a',
      'ConfigMap b',
    ]);
  });

  test('include the items of lists, which may leave out the kind that the list gives them', () => {
    const text = `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: a}}
- apiVersion: v1
  kind: ConfigMapList
  items:
  - {metadata: {name: b}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
`;
    expect(names(text)).toEqual(['Secret a', 'ConfigMap b', 'ConfigMap c']);
  });

  test('may be JSON', () => {
    expect(names('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}')).toEqual(['ConfigMap a']);
  });

  test('keep a field named items where the kind is no list', () => {
    const text = 'apiVersion: x.io/v1\nkind: Basket\nmetadata: {name: a}\nitems: [1]\n';
    expect(readManifestObjects(text).objects).toEqual([
      { apiVersion: 'x.io/v1', kind: 'Basket', metadata: { name: 'a' }, items: [1] },
    ]);
  });

  test('are none in an empty file or an empty list', () => {
    expect(readManifestObjects('')).toEqual({ objects: [], problems: [] });
    expect(readManifestObjects('apiVersion: v1\nkind: List\nitems:\n')).toEqual({ objects: [], problems: [] });
  });
});

describe('a broken part of a manifest', () => {
  test('is reported with its document and line, and hides nothing else', () => {
    const text = `${configMap('a')}---\nkey: [unclosed\n---\n${configMap('b')}`;
    expect(names(text)).toEqual(['ConfigMap a', 'ConfigMap b']);
    expect(messages(text)).toEqual([expect.stringMatching(/^document 2 \(line \d+, column \d+\): /)]);
  });

  test('may be a key that stands twice', () => {
    expect(messages('apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: a}\n')).toEqual([
      expect.stringMatching(/^document 1 \(line 3, column 1\): duplicat/),
    ]);
  });

  test.each([
    ['just text', 'expected a Kubernetes object, found the string "just text"'],
    ['[1, 2]', 'expected a Kubernetes object, found a list'],
    ['a: 1', 'the object has no kind'],
    ['kind: ConfigMap\nmetadata: {name: a}', 'the ConfigMap has no apiVersion'],
    ['apiVersion: v1\nkind: ConfigMap', 'the ConfigMap has no metadata'],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {}', 'the ConfigMap has no metadata.name'],
    [
      'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}',
      'the Pod has no metadata.name (generateName cannot be applied)',
    ],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: 7}', 'the Pod has no metadata.name'],
    [
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 1e3}',
      'the metadata.namespace of Pod a is the number 1000; quote it',
    ],
  ])('may be %j: %s', (text, reason) => {
    expect(messages(text)).toEqual([`document 1 (line 1): ${reason}`]);
  });

  test('may be one item of a list', () => {
    const text = 'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- oops\n';
    expect(names(text)).toEqual(['Secret a']);
    expect(messages(text)).toEqual([
      'document 1 (line 1), item 2: expected a Kubernetes object, found the string "oops"',
    ]);
  });
});
