import { isAbsolute, join, relative } from 'node:path';
import { isNotFound } from '../../cluster/api-error.ts';
import { apiVersionOf } from '../../cluster/resource.ts';
import { Addons, type Addon } from '../../crds/addon.ts';
import type { SourceContext } from '../../framework/context.ts';
import { defineSourceController, watches, type Controller } from '../../framework/controller.ts';
import { done } from '../../framework/outcome.ts';
import type { Source } from '../../framework/source.ts';
import { addonNames } from './addon-name.ts';
import type { ManifestState } from './directory-source.ts';

export interface ManifestDirectoryDeps {
  /** A DirectorySource for the same root. */
  source: Source<ManifestState>;
}

const NAMESPACE = 'kube-system';

/**
 * Keeps one Addon in kube-system for each manifest under `root`, naming the file and the checksum of its content. What becomes of the
 * content is the add-on deployer's work. Files that were removed while nobody looked are found by the Addons that they left.
 */
export function manifestDirectory(root: string): Controller<ManifestDirectoryDeps> {
  const keyFor = (addon: Addon): string | undefined => {
    const { source } = addon.spec ?? {};
    if (addon.metadata.namespace !== NAMESPACE || source === undefined || source === '') return undefined;
    const key = relative(root, source);
    return key === '' || key.startsWith('..') || isAbsolute(key) ? undefined : key;
  };

  /** The Addons that could be this key's; `mine` is the one that is. */
  const addonsOf = async (
    ctx: SourceContext<ManifestDirectoryDeps>,
  ): Promise<{ mine: Addon | undefined; name: string }> => {
    const { plain, distinct } = addonNames(ctx.key);
    const names = plain === undefined ? [distinct] : [plain, distinct];
    const addons = await Promise.all(names.map((name) => ctx.read(Addons, { namespace: NAMESPACE, name })));
    const mine = addons.find((addon) => addon !== undefined && keyFor(addon) === ctx.key);
    if (mine?.metadata.name !== undefined) return { mine, name: mine.metadata.name };
    // The plain name is free if no file of this directory has it: an Addon that a former data directory left is taken over.
    const [first] = addons;
    const free = first === undefined || keyFor(first) === undefined;
    return { mine: undefined, name: free && plain !== undefined ? plain : distinct };
  };

  return defineSourceController<ManifestState, ManifestDirectoryDeps>({
    name: 'manifest-directory',
    source: ({ source }) => source,
    watches: [
      watches(Addons, (addon) => {
        const key = keyFor(addon);
        return key === undefined ? [] : [key];
      }),
    ],

    async reconcile(ctx, state) {
      if (state.type === 'settling' || state.type === 'skipped') return done();
      const { mine, name } = await addonsOf(ctx);
      // Somebody deletes the Addon of a file that is still there: it comes back once it is gone.
      if (mine?.metadata.deletionTimestamp !== undefined) return done();
      const spec = { source: join(root, ctx.key), checksum: state.type === 'readable' ? state.checksum : '' };
      if (mine?.spec?.source === spec.source && mine.spec.checksum === spec.checksum) return done();
      const addon = {
        apiVersion: apiVersionOf(Addons),
        kind: Addons.kind,
        metadata: { name, namespace: NAMESPACE },
        spec,
      };
      (await ctx.apply([addon])).throwIfFailed();
      ctx.log.info('manifest changed', { addon: name, checksum: spec.checksum });
      return done();
    },

    async gone(ctx) {
      const { mine, name } = await addonsOf(ctx);
      if (mine === undefined || mine.metadata.deletionTimestamp !== undefined) return done();
      const { uid } = mine.metadata;
      try {
        await ctx.client.delete(
          Addons,
          { namespace: NAMESPACE, name },
          { preconditions: uid === undefined ? {} : { uid } },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      ctx.log.info('manifest removed', { addon: name });
      return done();
    },
  });
}
