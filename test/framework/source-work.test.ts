import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { ConfigMaps } from '../../src/cluster/kinds.ts';
import { defineSourceController, watches, type SourceControllerDefinition } from '../../src/framework/controller.ts';
import { done, requeue } from '../../src/framework/outcome.ts';
import { defineSource, everyKey, type EveryKey, type Source } from '../../src/framework/source.ts';
import { harness } from '../../src/framework/testing/harness.ts';

/** Files that a test makes up. */
class Files implements Source<string> {
  readonly name = 'files';
  readonly content = new Map<string, string>();
  readonly changes$ = new Subject<string | EveryKey>();
  lists = 0;
  failures = 0;

  async list(): Promise<string[]> {
    this.lists++;
    if (this.failures-- > 0) throw new Error('the folder cannot be read');
    return [...this.content.keys()];
  }

  async read(key: string): Promise<string | undefined> {
    return this.content.get(key);
  }
}

function make(files: Files, definition: Partial<SourceControllerDefinition<string, Files>> = {}) {
  const seen: string[] = [];
  const controller = defineSourceController<string, Files>({
    name: 'files',
    source: (deps) => defineSource(deps),
    async reconcile(ctx, state) {
      seen.push(`${ctx.key}=${state}`);
      return done();
    },
    async gone(ctx) {
      seen.push(`${ctx.key} gone`);
      return done();
    },
    ...definition,
  });
  return { controller, seen };
}

describe('a controller of a source', () => {
  test('reconciles every key that the source lists, and each one that it says has changed', async () => {
    const files = new Files();
    files.content.set('a.yaml', '1').set('b.yaml', '1');
    const { controller, seen } = make(files);
    await using t = await harness(controller, { deps: files });
    files.content.set('b.yaml', '2');
    files.changes$.next('b.yaml');
    await t.settle();
    expect(seen).toEqual(['a.yaml=1', 'b.yaml=1', 'b.yaml=2']);
  });

  test('tells of a key that no longer exists once, retries that like any run, and then forgets the key', async () => {
    const files = new Files();
    files.content.set('a.yaml', '1');
    let failures = 2;
    const seen: string[] = [];
    const { controller } = make(files, {
      async gone(ctx) {
        seen.push(`${ctx.key} ${ctx.attempt}`);
        if (failures-- > 0) throw new Error('not yet');
        return done();
      },
    });
    await using t = await harness(controller, { deps: files });
    files.content.clear();
    files.changes$.next('a.yaml');
    await t.advance(10_000);
    expect(seen).toEqual(['a.yaml 0', 'a.yaml 1', 'a.yaml 2']);
    expect(t.explain('a.yaml')).toBeUndefined();
  });

  test('keeps a gone key while its outcome is not done', async () => {
    const files = new Files();
    let left = 1;
    const { controller } = make(files, { gone: async () => (left-- > 0 ? requeue(1000, 'still mounted') : done()) });
    await using t = await harness(controller, { deps: files });
    files.changes$.next('a.yaml');
    await t.settle();
    expect(t.explain('a.yaml')?.nextWake?.reason).toBe('controller still mounted requeued');
    await t.advance(1000);
    expect(t.explain('a.yaml')).toBeUndefined();
  });

  test('forgets a gone key without a word when it does not care', async () => {
    const files = new Files();
    const controller = defineSourceController<string, Files>({
      name: 'files',
      source: (deps) => deps,
      reconcile: async () => done(),
    });
    await using t = await harness(controller, { deps: files });
    files.changes$.next('a.yaml');
    await t.settle();
    expect(t.records).toHaveLength(1);
    expect(t.explain('a.yaml')).toBeUndefined();
  });

  test('lists again for everyKey, and notices what has vanished by that alone', async () => {
    const files = new Files();
    files.content.set('a.yaml', '1').set('b.yaml', '1');
    const { controller, seen } = make(files);
    await using t = await harness(controller, { deps: files });
    files.content.delete('a.yaml');
    files.content.set('c.yaml', '1');
    files.changes$.next(everyKey);
    await t.settle();
    expect(seen.slice(2).sort()).toEqual(['a.yaml gone', 'b.yaml=1', 'c.yaml=1']);
  });

  test('asks again with growing waits when the source cannot be listed', async () => {
    const files = new Files();
    files.content.set('a.yaml', '1');
    files.failures = 3;
    const { controller, seen } = make(files);
    await using t = await harness(controller, { deps: files });
    expect(seen).toEqual([]);
    await t.advance(10_000);
    expect(seen).toEqual(['a.yaml=1']);
    expect(files.lists).toBe(4);
  });

  test('takes a state that cannot be read as a failed run', async () => {
    const files = new Files();
    files.content.set('a.yaml', '1');
    files.read = () => Promise.reject(new Error('permission denied'));
    const { controller } = make(files);
    await using t = await harness(controller, { deps: files });
    expect(t.records[0]?.result).toMatchObject({ type: 'failed', retry: true });
  });

  test('runs keys for Kubernetes objects and triggers too', async () => {
    const files = new Files();
    files.content.set('a.yaml', '1');
    const triggers = new Subject<string>();
    const { controller, seen } = make(files, {
      watches: [watches(ConfigMaps, (object) => [`${object.metadata.name}.yaml`])],
      triggers: () => triggers,
    });
    await using t = await harness(controller, { deps: files });
    t.cluster.load({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b', namespace: 'default' } });
    await t.settle();
    triggers.next('a.yaml');
    await t.settle();
    expect(seen).toEqual(['a.yaml=1', 'b.yaml gone', 'a.yaml=1']);
  });

  test('reads the cluster, tracked, and applies objects that belong to no set', async () => {
    const files = new Files();
    files.content.set('a.yaml', '1');
    const wanted = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'made', namespace: 'default' },
      data: { n: '1' },
    };
    const { controller } = make(files, {
      async reconcile(ctx) {
        await ctx.read(ConfigMaps, { namespace: 'default', name: 'input' });
        const applied = await ctx.apply([wanted]);
        applied.throwIfFailed();
        expect(applied.get(wanted)?.data).toEqual({ n: '1' });
        ctx.event('Normal', 'Applied', 'applied', applied.get(wanted) ?? wanted);
        return done();
      },
    });
    await using t = await harness(controller, { deps: files });
    expect(t.cluster.object(ConfigMaps, { namespace: 'default', name: 'made' })?.metadata.labels).toBeUndefined();
    t.cluster.load({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'input', namespace: 'default' } });
    await t.settle();
    expect(t.records).toHaveLength(2);
  });

  test('opens its source when the manager runs, and leaves it when the manager stops', async () => {
    const files = new Files();
    let opened = 0;
    const { controller } = make(files, {
      source: (deps) => {
        opened++;
        return deps;
      },
    });
    expect(opened).toBe(0);
    const t = await harness(controller, { deps: files });
    expect([opened, files.changes$.observed]).toEqual([1, true]);
    await t[Symbol.asyncDispose]();
    expect(files.changes$.observed).toBe(false);
  });
});
