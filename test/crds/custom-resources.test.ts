import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { Addons } from '../../src/crds/addon.ts';
import type { Schema } from '../../src/crds/custom-resource.ts';
import { HelmChartConfigs } from '../../src/crds/helm-chart-config.ts';
import { HelmCharts } from '../../src/crds/helm-chart.ts';

const KINDS = [Addons, HelmCharts, HelmChartConfigs] as const;

const versionOf = (kind: (typeof KINDS)[number]) => {
  const [version] = kind.definition.spec.versions;
  if (version === undefined) throw new Error('no version');
  return version;
};
const schemaOf = (kind: (typeof KINDS)[number]): Schema => versionOf(kind).schema.openAPIV3Schema;

/** The schema's nodes with their paths; '[]' stands for the items of an array, '{}' for the values of a map. */
function* nodes(schema: Schema, path = ''): Generator<{ path: string; schema: Schema }> {
  yield { path, schema };
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* nodes(child, `${path}.${name}`);
  if (schema.items !== undefined) yield* nodes(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) yield* nodes(schema.additionalProperties, `${path}{}`);
}

describe.each(KINDS)('the definition of $kind', (kind) => {
  test('is named after plural and group, as the API server demands', () => {
    expect(kind.definition.metadata.name).toBe(`${kind.plural}.${kind.group}`);
    expect(kind.definition.spec.names).toMatchObject({ kind: kind.kind, plural: kind.plural });
    expect(versionOf(kind).name).toBe(kind.version);
  });

  test('has a structural schema: every node says its type, or that it takes anything', () => {
    for (const { path, schema } of nodes(schemaOf(kind))) {
      const typed =
        schema.type !== undefined ||
        schema['x-kubernetes-preserve-unknown-fields'] === true ||
        schema['x-kubernetes-int-or-string'] === true;
      expect(typed, `${kind.kind}${path}`).toBe(true);
    }
  });

  test('has columns that show fields of the schema', () => {
    const paths = new Set([...nodes(schemaOf(kind))].map(({ path }) => path));
    for (const column of versionOf(kind).additionalPrinterColumns) {
      const path = column.jsonPath
        .replaceAll(/\[\?\([^)]*\)\]/g, '[]')
        .replace('.metadata.creationTimestamp', '.metadata');
      expect([...paths], column.name).toContain(path);
    }
  });

  test('has a status sub-resource exactly if it has a status', () => {
    expect(versionOf(kind).subresources.status !== undefined).toBe(schemaOf(kind).properties?.['status'] !== undefined);
  });
});

describe('HelmChart', () => {
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schemaOf(HelmCharts));

  test("accepts k3s's own traefik chart", () => {
    const chart = {
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChart',
      metadata: { name: 'traefik', namespace: 'kube-system' },
      spec: {
        chart: 'https://%{KUBERNETES_API}%/static/charts/traefik.tgz',
        set: { 'global.systemDefaultRegistry': '', 'deployment.replicas': 2 },
        valuesContent: 'deployment: {}\n',
        failurePolicy: 'retry',
        forceConflicts: true,
      },
    };
    expect(validate(chart), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each([
    ['a boolean in set', { set: { flag: true } }],
    ['a list in set', { set: { list: ['a'] } }],
    ['an unknown failure policy', { failurePolicy: 'explode' }],
    ['an unknown driver', { driver: 'sql' }],
  ])('refuses %s', (_, spec) => {
    expect(validate({ apiVersion: 'helm.cattle.io/v1', kind: 'HelmChart', metadata: {}, spec })).toBe(false);
  });

  test('keeps the driver of a release for good', () => {
    const driver = schemaOf(HelmCharts).properties?.['spec']?.properties?.['driver'];
    expect(driver).toMatchObject({ default: 'secret', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] });
  });
});

test('an empty HelmChartConfig changes nothing: no field of it has a default', () => {
  const defaults = [...nodes(schemaOf(HelmChartConfigs))].filter(({ schema }) => schema.default !== undefined);
  expect(defaults).toEqual([]);
});
