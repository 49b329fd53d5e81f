import { join } from 'node:path';
import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import type { ManifestState } from '../../../src/controllers/manifests/directory-source.ts';
import { manifestDirectory } from '../../../src/controllers/manifests/manifest-directory.ts';
import { Addons, type Addon } from '../../../src/crds/addon.ts';
import type { Source } from '../../../src/framework/source.ts';
import { harness, type Harness } from '../../../src/framework/testing/harness.ts';

const ROOT = '/data/server/manifests';

/** A manifest directory in memory. */
class Directory implements Source<ManifestState> {
  readonly name = 'directory';
  readonly changes$ = new Subject<string>();
  readonly states = new Map<string, ManifestState>();

  set(key: string, checksum: string): void {
    this.put(key, { type: 'readable', path: join(ROOT, key), checksum });
  }

  put(key: string, state: ManifestState | undefined): void {
    if (state === undefined) this.states.delete(key);
    else this.states.set(key, state);
    this.changes$.next(key);
  }

  async list(): Promise<Iterable<string>> {
    return this.states.keys();
  }

  async read(key: string): Promise<ManifestState | undefined> {
    return this.states.get(key);
  }
}

async function start(files: Record<string, string>, objects: KubernetesObject[] = []) {
  const source = new Directory();
  for (const [key, checksum] of Object.entries(files)) source.set(key, checksum);
  const run = await harness(manifestDirectory(ROOT), { deps: { source }, kinds: [Addons], objects });
  return { run, source };
}

const addon = (
  name: string,
  source: string,
  checksum = 'old',
  namespace = 'kube-system',
): Addon & KubernetesObject => ({
  apiVersion: 'k3s.cattle.io/v1',
  kind: 'Addon',
  metadata: { name, namespace },
  spec: { source, checksum },
});

/** `name: file checksum` of every Addon. */
const addonsIn = (run: Harness): string[] =>
  run.cluster
    .objects(Addons)
    .map(({ metadata, spec }) => `${metadata.name}: ${spec?.source?.replace(`${ROOT}/`, '')} ${spec?.checksum}`);
const writes = (run: Harness): number =>
  run.cluster.calls.filter(({ verb }) => verb === 'apply' || verb === 'delete').length;

describe('a manifest', () => {
  test('has an Addon of its name, which follows its content', async () => {
    const { run, source } = await start({ 'coredns.yaml': 'c1', 'sub/app.v2.yml': 'c2' });
    await using _ = run;
    expect(addonsIn(run)).toEqual(['app: sub/app.v2.yml c2', 'coredns: coredns.yaml c1']);
    source.set('coredns.yaml', 'c3');
    await run.settle();
    expect(addonsIn(run)).toContain('coredns: coredns.yaml c3');
  });

  test('that cannot be read has an Addon without a checksum, so that the deployer says why', async () => {
    const { run, source } = await start({ 'app.yaml': 'c1' });
    await using _ = run;
    source.put('app.yaml', { type: 'unreadable', path: join(ROOT, 'app.yaml') });
    await run.settle();
    expect(addonsIn(run)).toEqual(['app: app.yaml ']);
  });

  test('that was removed loses its Addon', async () => {
    const { run, source } = await start({ 'app.yaml': 'c1', 'other.yaml': 'c2' });
    await using _ = run;
    source.put('app.yaml', undefined);
    await run.settle();
    expect(addonsIn(run)).toEqual(['other: other.yaml c2']);
  });

  test('that was removed while nobody looked loses its Addon too', async () => {
    const { run } = await start({}, [addon('app', join(ROOT, 'sub/app.yaml'))]);
    await using _ = run;
    expect(addonsIn(run)).toEqual([]);
  });

  test.each(['settling', 'skipped'] as const)('that is %s keeps the Addon that it has', async (type) => {
    const { run, source } = await start({ 'app.yaml': 'c1' });
    await using _ = run;
    source.put('app.yaml', { type });
    await run.settle();
    expect(addonsIn(run)).toEqual(['app: app.yaml c1']);
  });

  test('whose Addon somebody deletes gets it back', async () => {
    const { run } = await start({ 'app.yaml': 'c1' });
    await using _ = run;
    run.cluster.edit(Addons, { namespace: 'kube-system', name: 'app' }, (object) => {
      object.metadata.finalizers = ['k3s.cattle.io/addon'];
    });
    run.cluster.remove(Addons, { namespace: 'kube-system', name: 'app' });
    await run.settle();
    expect(
      run.cluster.object(Addons, { namespace: 'kube-system', name: 'app' })?.metadata.deletionTimestamp,
    ).toBeDefined();
    run.cluster.edit(Addons, { namespace: 'kube-system', name: 'app' }, (object) => {
      object.metadata.finalizers = [];
    });
    await run.settle();
    expect(addonsIn(run)).toEqual(['app: app.yaml c1']);
    expect(
      run.cluster.object(Addons, { namespace: 'kube-system', name: 'app' })?.metadata.deletionTimestamp,
    ).toBeUndefined();
  });

  test('whose Addon is right already is not written at a start', async () => {
    const { run } = await start({ 'app.yaml': 'c1' }, [addon('app', join(ROOT, 'app.yaml'), 'c1')]);
    await using _ = run;
    expect(writes(run)).toBe(0);
  });
});

describe('files of equal names in different folders', () => {
  test('do not fight: the first one has the plain name, the others names of their own', async () => {
    const { run, source } = await start({ 'a/app.yaml': 'c1', 'b/app.yaml': 'c2' });
    await using _ = run;
    expect(addonsIn(run)).toEqual(['app: a/app.yaml c1', expect.stringMatching(/^app-[0-9a-f]{8}: b\/app\.yaml c2$/)]);
    const before = writes(run);
    await run.advance(12 * 3_600_000);
    expect(writes(run)).toBe(before);
    source.set('b/app.yaml', 'c3');
    await run.settle();
    expect(addonsIn(run)[1]).toMatch(/^app-[0-9a-f]{8}: b\/app\.yaml c3$/);
  });

  test('keep their names when one that sorts before them arrives', async () => {
    const { run, source } = await start({ 'b/app.yaml': 'c2' });
    await using _ = run;
    source.set('a/app.yaml', 'c1');
    await run.settle();
    expect(addonsIn(run)).toEqual(['app: b/app.yaml c2', expect.stringMatching(/^app-[0-9a-f]{8}: a\/app\.yaml c1$/)]);
  });

  test('lose each its own Addon', async () => {
    const { run, source } = await start({ 'a/app.yaml': 'c1', 'b/app.yaml': 'c2' });
    await using _ = run;
    source.put('a/app.yaml', undefined);
    await run.settle();
    expect(addonsIn(run)).toEqual([expect.stringMatching(/^app-[0-9a-f]{8}: b\/app\.yaml c2$/)]);
  });
});

describe('the Addon of another directory', () => {
  test('is taken over with its name where the data directory was moved', async () => {
    const { run } = await start({ 'coredns.yaml': 'c1' }, [addon('coredns', '/old/server/manifests/coredns.yaml')]);
    await using _ = run;
    expect(addonsIn(run)).toEqual(['coredns: coredns.yaml c1']);
  });

  test('is left alone where no file has its name', async () => {
    const elsewhere = [addon('mine', '/elsewhere/mine.yaml'), addon('app', join(ROOT, 'app.yaml'), 'old', 'default')];
    const { run } = await start({}, elsewhere);
    await using _ = run;
    expect(addonsIn(run)).toHaveLength(2);
  });
});
