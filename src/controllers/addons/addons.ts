import { describeError, K3sError } from '../../core/errors.ts';
import { CustomResourceDefinitions } from '../../cluster/kinds.ts';
import { groupKind } from '../../cluster/resource.ts';
import { Addons, type Addon } from '../../crds/addon.ts';
import type { ReconcileContext } from '../../framework/context.ts';
import { defineController } from '../../framework/controller.ts';
import { done, TerminalError } from '../../framework/outcome.ts';
import { judge } from './judgement.ts';
import { readManifestObjects } from './manifest-objects.ts';

export interface AddonsDeps {
  /** Reads the manifest behind `spec.source`, refusing what is not in the manifest directory; undefined when it is not there. */
  read(source: string): Promise<{ text: string; checksum: string } | undefined>;
}

/**
 * Deploys manifests: the objects of an Addon's file are applied as one set, and what left the file is deleted. Each part of a file that
 * cannot be read or applied is reported on the Addon and by an event, and stops nothing else; as long as a part cannot be
 * read, nothing is deleted, because it may be in that part. Deleting the Addon deletes its objects.
 */
export const addons = defineController<Addon, AddonsDeps>({
  name: 'addons',
  for: Addons,
  namespace: 'kube-system',
  finalizer: 'k3s.cattle.io/addon',
  groupKindsAnnotation: 'addon.k3s.cattle.io/gvks',
  concurrency: 4,
  // What is written about an Addon is no reason to look at it again.
  predicate: ({ type, object, previous }) =>
    type !== 'updated' ||
    previous?.metadata.generation !== object.metadata.generation ||
    previous?.metadata.deletionTimestamp !== object.metadata.deletionTimestamp,

  async reconcile(ctx, addon) {
    const { source = '', checksum = '' } = addon.spec ?? {};
    const text = await read(ctx, addon);
    if (text === undefined) return done();
    const manifest = readManifestObjects(text);
    const fresh = addon.status?.checksum !== checksum;
    if (fresh) ctx.event('Normal', 'ApplyingManifest', `Applying manifest at ${JSON.stringify(source)}`);
    const applied = await ctx.apply(manifest.objects, {
      defaultNamespace: 'default',
      prune: manifest.problems.length === 0,
      adopt: true,
      recreate: true,
    });
    const defined = ctx.causes.some((cause) => cause.source === groupKind(CustomResourceDefinitions));
    const { conditions, events, complete, end } = judge(source, manifest, applied.failures, defined);
    for (const { type, status, reason, message } of conditions) ctx.condition(type, status, reason, message);
    for (const { type, reason, message } of events) ctx.event(type, reason, message);
    await ctx.patchStatus({
      observedGeneration: addon.metadata.generation ?? 0,
      objects: manifest.objects.length,
      ...(complete ? { checksum } : {}),
    });
    if (fresh && complete) ctx.event('Normal', 'AppliedManifest', `Applied manifest at ${JSON.stringify(source)}`);
    if (end instanceof K3sError) throw end;
    return end;
  },

  async cleanup(ctx, addon) {
    const source = JSON.stringify(addon.spec?.source ?? '');
    ctx.event('Normal', 'DeletingManifest', `Deleting the objects of the manifest at ${source}`);
    (await ctx.apply([])).throwIfFailed();
    return done();
  },
});

/** The file's text, or undefined when it is not what the Addon asks for: the Addon is about to be changed, or to be deleted. */
async function read(ctx: ReconcileContext<AddonsDeps, Addon>, addon: Addon): Promise<string | undefined> {
  const { source = '', checksum = '' } = addon.spec ?? {};
  try {
    const file = await ctx.deps.read(source);
    if (file === undefined) ctx.condition('Ready', 'False', 'ManifestMissing', `There is no file ${source}.`);
    return file?.checksum === checksum ? file.text : undefined;
  } catch (error) {
    const message = `Read manifest at ${JSON.stringify(source)} failed: ${describeError(error)}`;
    ctx.event('Warning', 'ReadManifestFailed', message);
    ctx.condition('Parsed', 'False', 'ReadManifestFailed', message);
    ctx.condition('Ready', 'False', 'ReadManifestFailed', message);
    await ctx.patchStatus({ observedGeneration: addon.metadata.generation ?? 0 });
    if (!(error instanceof K3sError) || error.retryable) throw error;
    throw new TerminalError(error.code, error.message, { cause: error, until: 'the file changes' });
  }
}
