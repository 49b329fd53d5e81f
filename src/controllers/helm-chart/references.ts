import { ConfigMaps, Secrets } from '../../cluster/kinds.ts';
import type { HelmChartConfigSpec } from '../../crds/helm-chart-config.ts';
import type { HelmChartSpec, LocalObjectReference, ValuesSecret } from '../../crds/helm-chart.ts';
import type { SourceContext } from '../../framework/context.ts';
import { RetryableError } from '../../framework/outcome.ts';

/** What the objects hold that a HelmChart and its HelmChartConfig name. */
export interface References {
  /** In the order of the spec, keys in their order. */
  readonly chartValues: readonly NamedText[];
  readonly configValues: readonly NamedText[];
  /** PEM. */
  readonly certificateAuthorities: readonly string[];
  /** The keys of `authSecret`. */
  readonly auth: Readonly<Record<string, string>> | undefined;
  /** The text of a Docker configuration file. */
  readonly dockerConfig: string | undefined;
}

export interface NamedText {
  /** For messages. */
  readonly name: string;
  readonly text: string;
}

/**
 * Reads what the specs name. Values are tracked: the chart is upgraded when they change. Rejects with a RetryableError
 * K3S_HELM_REFERENCE that names what is missing.
 */
export async function readReferences(
  ctx: Pick<SourceContext<unknown>, 'read' | 'readLive'>,
  namespace: string,
  { chart, config }: { chart: HelmChartSpec; config: HelmChartConfigSpec },
): Promise<References> {
  const readSecret = async (name: string, tracked: boolean): Promise<Readonly<Record<string, string>> | undefined> => {
    const found = await (tracked ? ctx.read(Secrets, { namespace, name }) : ctx.readLive(Secrets, { namespace, name }));
    if (found === undefined) return undefined;
    const entries = Object.entries(found.data ?? {});
    return Object.fromEntries(entries.map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]));
  };

  const values = async (from: readonly ValuesSecret[] = []): Promise<NamedText[]> => {
    const texts: NamedText[] = [];
    for (const { name = '', keys = [], ignoreUpdates = false } of from) {
      if (keys.length === 0) continue;
      const data = await readSecret(name, !ignoreUpdates);
      for (const key of keys) {
        const text = data?.[key];
        if (text !== undefined) texts.push({ name: `key ${key} of Secret ${namespace}/${name}`, text });
        else if (!ignoreUpdates)
          throw missing(`${data === undefined ? '' : `key ${key} of `}Secret ${namespace}/${name}`);
      }
    }
    return texts;
  };

  const auth = await named(chart.authSecret, (name) => readSecret(name, false), `Secret ${namespace}/`);
  const docker = await named(chart.dockerRegistrySecret, (name) => readSecret(name, false), `Secret ${namespace}/`);
  const dockerConfig = docker?.['.dockerconfigjson'];
  if (docker !== undefined && dockerConfig === undefined) {
    throw missing(`key .dockerconfigjson of Secret ${namespace}/${chart.dockerRegistrySecret?.name}`);
  }
  const authorities = await named(
    chart.repoCAConfigMap,
    async (name) => {
      const found = await ctx.readLive(ConfigMaps, { namespace, name });
      return found && (found.data ?? {});
    },
    `ConfigMap ${namespace}/`,
  );
  return {
    chartValues: await values(chart.valuesSecrets),
    configValues: await values(config.valuesSecrets),
    certificateAuthorities: [chart.repoCA ?? '', ...Object.values(authorities ?? {})].filter((pem) => pem !== ''),
    auth,
    dockerConfig,
  };
}

/** Undefined when nothing is referred to; rejects when that is missing. */
async function named<T>(
  reference: LocalObjectReference | undefined,
  read: (name: string) => Promise<T | undefined>,
  what: string,
): Promise<T | undefined> {
  const name = reference?.name ?? '';
  if (name === '') return undefined;
  const found = await read(name);
  if (found === undefined) throw missing(`${what}${name}`);
  return found;
}

function missing(what: string): RetryableError {
  return new RetryableError('K3S_HELM_REFERENCE', `${what} is missing`, {
    fields: { missing: what },
    hint: 'The chart is installed once it is there.',
  });
}
