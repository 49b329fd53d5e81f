import { describe, expect, test } from 'vitest';
import { K3sError } from '../../../src/core/errors.ts';
import { ConfigMaps, CustomResourceDefinitions, Deployments, Events, Namespaces } from '../../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import { addons } from '../../../src/controllers/addons/addons.ts';
import { Addons, type Addon } from '../../../src/crds/addon.ts';
import { harness, type Harness } from '../../../src/framework/testing/harness.ts';

const ROOT = '/server/manifests';
const REF = { namespace: 'kube-system', name: 'app' };

/** Manifest files in memory; a checksum is the text's length, marked so that it cannot be mistaken. */
class Files {
  readonly texts = new Map<string, string | K3sError>();

  async read(source: string): Promise<{ text: string; checksum: string } | undefined> {
    const text = this.texts.get(source);
    if (text === undefined) return undefined;
    if (text instanceof K3sError) throw text;
    return { text, checksum: checksumOf(text) };
  }
}

const checksumOf = (text: string): string => `sum-${text.length}-${text.slice(-12).trim()}`;
const sourceOf = (name: string): string => `${ROOT}/${name}.yaml`;

const addon = (text: string, name = 'app'): Addon & KubernetesObject => ({
  apiVersion: 'k3s.cattle.io/v1',
  kind: 'Addon',
  metadata: { name, namespace: 'kube-system' },
  spec: { source: sourceOf(name), checksum: checksumOf(text) },
});

const configMap = (name: string, namespace?: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}${namespace === undefined ? '' : `, namespace: ${namespace}`}}\ndata: {k: v}\n`;

const documents = (...texts: string[]): string => texts.join('---\n');

async function start(text: string, options: { kinds?: Parameters<typeof harness>[1]['kinds'] } = {}) {
  const files = new Files();
  files.texts.set(sourceOf('app'), text);
  const run = await harness(addons, {
    deps: files,
    objects: [addon(text)],
    kinds: [...(options.kinds ?? [])],
  });
  const change = async (next: string): Promise<void> => {
    files.texts.set(sourceOf('app'), next);
    run.cluster.edit(Addons, REF, (object) => {
      object.spec = { ...object.spec, checksum: checksumOf(next) };
    });
    await run.settle();
  };
  return { run, files, change };
}

/** An object as a new cluster takes it in. */
function restored<T extends { metadata: object }>(object: T): T {
  const metadata = { ...object.metadata, resourceVersion: undefined, uid: undefined };
  return JSON.parse(JSON.stringify({ ...object, metadata })) as T;
}

const conditionsOf = (run: Harness): Record<string, string> =>
  Object.fromEntries(
    (run.cluster.object(Addons, REF)?.status?.conditions ?? []).map(({ type, status, reason }) => [
      type,
      `${status} ${reason}`,
    ]),
  );
const messageOf = (run: Harness, type: string): string | undefined =>
  run.cluster.object(Addons, REF)?.status?.conditions?.find((condition) => condition.type === type)?.message;
const namesOf = (run: Harness): string[] =>
  run.cluster.objects(ConfigMaps).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
const eventsOf = async (run: Harness): Promise<string[]> => {
  await run.advance(2000);
  return run.cluster.objects(Events).map(({ reason }) => reason ?? '');
};

describe('a manifest', () => {
  test('becomes objects that carry the marks by which k3s and its tools know them', async () => {
    const { run } = await start(documents(configMap('a'), configMap('b', 'kube-public')));
    await using _ = run;
    expect(namesOf(run)).toEqual(['default/a', 'kube-public/b']);
    expect(run.cluster.object(ConfigMaps, { namespace: 'default', name: 'a' })?.metadata).toMatchObject({
      labels: { 'objectset.rio.cattle.io/hash': expect.stringMatching(/^[0-9a-f]{40}$/) },
      annotations: {
        'objectset.rio.cattle.io/owner-gvk': 'k3s.cattle.io/v1, Kind=Addon',
        'objectset.rio.cattle.io/owner-name': 'app',
        'objectset.rio.cattle.io/owner-namespace': 'kube-system',
      },
    });
    const live = run.cluster.object(Addons, REF);
    expect(live?.metadata.annotations?.['addon.k3s.cattle.io/gvks']).toBe('/v1, Kind=ConfigMap');
    expect(live?.status).toMatchObject({ objects: 2, checksum: live?.spec?.checksum, observedGeneration: 1 });
    expect(conditionsOf(run)).toEqual({ Parsed: 'True Parsed', Applied: 'True Applied', Ready: 'True Applied' });
    expect(await eventsOf(run)).toEqual(expect.arrayContaining(['ApplyingManifest', 'AppliedManifest']));
  });

  test('that loses a document loses its object', async () => {
    const { run, change } = await start(documents(configMap('a'), configMap('b')));
    await using _ = run;
    await change(configMap('b'));
    expect(namesOf(run)).toEqual(['default/b']);
  });

  test('that becomes empty loses all of its objects', async () => {
    const { run, change } = await start(configMap('a'));
    await using _ = run;
    await change('# nothing left\n');
    expect(namesOf(run)).toEqual([]);
    expect(conditionsOf(run)['Ready']).toBe('True Applied');
  });

  test('brings its namespace along, wherever in the file that stands', async () => {
    const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n';
    const { run } = await start(documents(configMap('a', 'team'), namespace));
    await using _ = run;
    expect(namesOf(run)).toEqual(['team/a']);
    expect(run.cluster.object(Namespaces, { name: 'team' })).toBeDefined();
  });

  test('takes over an object that is there already, as k3s does', async () => {
    const files = new Files();
    files.texts.set(sourceOf('app'), configMap('a'));
    await using run = await harness(addons, {
      deps: files,
      objects: [
        addon(configMap('a')),
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } },
      ],
    });
    expect(conditionsOf(run)['Ready']).toBe('True Applied');
    expect(run.cluster.object(ConfigMaps, { namespace: 'default', name: 'a' })).toMatchObject({ data: { k: 'v' } });
  });

  test('is applied again at a restart, which repairs what was edited, without another event', async () => {
    const { run, files } = await start(configMap('a'));
    const live = run.cluster.objects(Addons).map(restored);
    await run[Symbol.asyncDispose]();
    await using again = await harness(addons, { deps: files, objects: live });
    expect(namesOf(again)).toEqual(['default/a']);
    expect(await eventsOf(again)).toEqual([]);
  });

  test('is not applied with a content that the Addon does not name yet', async () => {
    const { run, files } = await start(configMap('a'));
    await using _ = run;
    files.texts.set(sourceOf('app'), configMap('later'));
    run.cluster.edit(Addons, REF, (object) => {
      object.metadata.labels = { touched: 'yes' };
    });
    await run.settle();
    expect(namesOf(run)).toEqual(['default/a']);
    expect(run.records.at(-1)?.result.type).toBe('done');
  });
});

describe('a broken manifest', () => {
  const broken = documents(configMap('a'), 'key: [unclosed\n', configMap('b'));

  test('has its sound documents applied and says where the others are broken', async () => {
    const { run } = await start(broken);
    await using _ = run;
    expect(namesOf(run)).toEqual(['default/a', 'default/b']);
    expect(conditionsOf(run)).toEqual({
      Parsed: 'False ParseManifestFailed',
      Applied: 'True Applied',
      Ready: 'False ParseManifestFailed',
    });
    expect(messageOf(run, 'Ready')).toMatch(/^document 2 \(line \d+, column \d+\): /);
    expect(await eventsOf(run)).toContain('ParseManifestFailed');
    expect(run.cluster.object(Addons, REF)?.status?.checksum).toBeUndefined();
  });

  test('loses no object: the one that is missing may be in the broken part', async () => {
    const { run, change } = await start(documents(configMap('a'), configMap('b'), configMap('c')));
    await using _ = run;
    await change(broken);
    expect(namesOf(run)).toEqual(['default/a', 'default/b', 'default/c']);
    await change(documents(configMap('a'), configMap('b')));
    expect(namesOf(run)).toEqual(['default/a', 'default/b']);
    expect(conditionsOf(run)['Ready']).toBe('True Applied');
  });

  test('is not tried again until it changes', async () => {
    const { run } = await start('just text\n');
    await using _ = run;
    expect(run.records.at(-1)?.result).toMatchObject({ type: 'failed', code: 'K3S_MANIFEST_INVALID', retry: false });
    const before = run.records.length;
    await run.advance(3_600_000);
    expect(run.records.length).toBe(before);
    expect(conditionsOf(run)['Parsed']).toBe('False ValidateManifestFailed');
  });

  test('names the first problems and counts the rest', async () => {
    const { run } = await start(documents(...Array.from({ length: 9 }, (_, at) => `text ${at}\n`)));
    await using _ = run;
    expect(messageOf(run, 'Parsed')).toMatch(/document 5 .*; and 4 more$/);
  });
});

test('the life of a manifest is this exchange with the API server', async () => {
  const { run, change } = await start(documents(configMap('a'), configMap('b', 'kube-public')));
  await using _ = run;
  await change(documents(configMap('a'), 'key: [unclosed\n'));
  await change(configMap('a'));
  run.cluster.remove(Addons, REF);
  await run.advance(2000);
  await expect(run.transcript()).toMatchFileSnapshot('life-of-a-manifest.golden.txt');
});

test('a file that cannot be read is reported, and its objects stay', async () => {
  const { run, files } = await start(configMap('a'));
  await using _ = run;
  files.texts.set(
    sourceOf('app'),
    new K3sError('K3S_MANIFEST_TOO_LARGE', 'app.yaml is 11 MiB, and a manifest may have 10'),
  );
  run.cluster.edit(Addons, REF, (object) => {
    object.spec = { ...object.spec, checksum: '' };
  });
  await run.settle();
  expect(namesOf(run)).toEqual(['default/a']);
  expect(conditionsOf(run)['Ready']).toBe('False ReadManifestFailed');
  expect(messageOf(run, 'Ready')).toContain('app.yaml is 11 MiB');
  expect(await eventsOf(run)).toContain('ReadManifestFailed');
});

test('a file that is gone is no failure: its Addon is about to be deleted', async () => {
  const { run, files } = await start(configMap('a'));
  await using _ = run;
  files.texts.clear();
  await run.advance(12 * 3_600_000);
  expect(namesOf(run)).toEqual(['default/a']);
  expect(conditionsOf(run)['Ready']).toBe('False ManifestMissing');
  expect(run.records.every(({ result }) => result.type === 'done')).toBe(true);
  expect(await eventsOf(run)).not.toContain('ReadManifestFailed');
});

test('an object that the server refuses does not stop the others, and is tried again', async () => {
  const files = new Files();
  const text = documents(configMap('refused'), configMap('b'));
  files.texts.set(sourceOf('app'), text);
  await using run = await harness(addons, { deps: files });
  const fault = run.cluster.fault({ verb: 'apply', resource: ConfigMaps, name: 'refused', status: 422 });
  run.cluster.load(addon(text));
  await run.settle();
  expect(namesOf(run)).toEqual(['default/b']);
  expect(conditionsOf(run)).toMatchObject({ Parsed: 'True Parsed', Ready: 'False ApplyManifestFailed' });
  expect(messageOf(run, 'Applied')).toMatch(/^ConfigMap refused: /);
  expect(await eventsOf(run)).toContain('ApplyManifestFailed');
  fault[Symbol.dispose]();
  await run.advance(300_000);
  expect(namesOf(run)).toEqual(['default/b', 'default/refused']);
  expect(conditionsOf(run)['Ready']).toBe('True Applied');
});

/** Lets the server's knowledge of kinds lag behind, as discovery does. */
function lateDiscovery(run: Harness, delay: number): Disposable {
  const { cluster, clock } = run;
  const resourceFor = cluster.resourceFor.bind(cluster);
  const from = clock.monotonic() + delay;
  cluster.resourceFor = async (...kind) => (clock.monotonic() < from ? undefined : resourceFor(...kind));
  return {
    [Symbol.dispose]() {
      cluster.resourceFor = resourceFor;
    },
  };
}

describe('a kind that the server does not know', () => {
  const basket = 'apiVersion: shop.io/v1\nkind: Basket\nmetadata: {name: mine}\n';
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'baskets.shop.io' },
    spec: {
      group: 'shop.io',
      scope: 'Namespaced' as const,
      names: { kind: 'Basket', plural: 'baskets' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  } as const;
  const Baskets = { group: 'shop.io', version: 'v1', kind: 'Basket', plural: 'baskets', scope: 'Namespaced' } as const;

  test('blocks its own object only, which is applied as soon as the kind is defined', async () => {
    const { run } = await start(documents(basket, configMap('a')));
    await using _ = run;
    expect(namesOf(run)).toEqual(['default/a']);
    expect(conditionsOf(run)['Ready']).toBe('False KindNotFound');
    await run.cluster.create(CustomResourceDefinitions, structuredClone(definition) as never);
    await run.settle();
    expect(run.cluster.objects(Baskets).map(({ metadata }) => metadata.name)).toEqual(['mine']);
    expect(conditionsOf(run)['Ready']).toBe('True Applied');
  });

  test('is asked for again where its definition is served late', async () => {
    const { run } = await start(basket);
    await using _ = run;
    using __ = lateDiscovery(run, 1500);
    await run.cluster.create(CustomResourceDefinitions, structuredClone(definition) as never);
    await run.advance(1000);
    expect(conditionsOf(run)['Ready']).toBe('False KindNotFound');
    await run.advance(3000);
    expect(conditionsOf(run)['Ready']).toBe('True Applied');
  });

  test('may be defined by the same manifest', async () => {
    const { run } = await start(documents(basket, JSON.stringify(definition)));
    await using _ = run;
    await run.advance(1000);
    expect(run.cluster.objects(Baskets)).toHaveLength(1);
    expect(conditionsOf(run)['Ready']).toBe('True Applied');
  });

  test('does not keep what left the manifest from being deleted', async () => {
    const { run, change } = await start(documents(configMap('a'), configMap('b')));
    await using _ = run;
    await change(documents(basket, configMap('b')));
    expect(namesOf(run)).toEqual(['default/b']);
  });
});

describe('deleting an Addon', () => {
  test('deletes its objects and says so', async () => {
    const { run } = await start(documents(configMap('a'), configMap('b', 'kube-public')), { kinds: [Deployments] });
    await using _ = run;
    run.cluster.remove(Addons, REF);
    await run.settle();
    expect(namesOf(run)).toEqual([]);
    expect(run.cluster.object(Addons, REF)).toBeUndefined();
    expect(await eventsOf(run)).toContain('DeletingManifest');
  });

  test('does not need the file', async () => {
    const { run, files } = await start(configMap('a'));
    await using _ = run;
    files.texts.clear();
    run.cluster.remove(Addons, REF);
    await run.settle();
    expect(namesOf(run)).toEqual([]);
  });

  test('waits until every object could be deleted', async () => {
    const { run } = await start(configMap('a'));
    await using _ = run;
    const fault = run.cluster.fault({ verb: 'delete', resource: ConfigMaps, status: 500 });
    run.cluster.remove(Addons, REF);
    await run.settle();
    expect(run.cluster.object(Addons, REF)).toBeDefined();
    fault[Symbol.dispose]();
    await run.advance(300_000);
    expect(namesOf(run)).toEqual([]);
    expect(run.cluster.object(Addons, REF)).toBeUndefined();
  });

  test('leaves what is labelled to survive', async () => {
    const kept = configMap('a').replace(
      'metadata: {name: a',
      'metadata: {labels: {objectset.rio.cattle.io/prune: "false"}, name: a',
    );
    const { run } = await start(documents(kept, configMap('b')));
    await using _ = run;
    run.cluster.remove(Addons, REF);
    await run.settle();
    expect(namesOf(run)).toEqual(['default/a']);
  });
});
