import { join } from 'node:path';
import { addons } from '../controllers/addons/addons.ts';
import { apiEndpoint } from '../controllers/api-endpoint/api-endpoint.ts';
import { clusterDns } from '../controllers/cluster-dns/cluster-dns.ts';
import { coreDnsHosts } from '../controllers/coredns/coredns-hosts.ts';
import { ensureCustomResourceDefinitions } from '../controllers/custom-resources/ensure.ts';
import { helmChart } from '../controllers/helm-chart/helm-chart.ts';
import { HelmProcess } from '../controllers/helm-chart/helm-process.ts';
import { DirectorySource } from '../controllers/manifests/directory-source.ts';
import { manifestDirectory } from '../controllers/manifests/manifest-directory.ts';
import { manifestReader } from '../controllers/manifests/manifest-file.ts';
import { stageManifests } from '../controllers/manifests/stage.ts';
import { manifestVariables } from '../controllers/manifests/variables.ts';
import type { ClusterClient } from '../cluster/client.ts';
import { Addons } from '../crds/addon.ts';
import { HelmChartConfigs } from '../crds/helm-chart-config.ts';
import { HelmCharts } from '../crds/helm-chart.ts';
import type { Scope } from '../core/scope.ts';
import type { Manager } from '../framework/manager.ts';
import type { ServerOptions } from './server.ts';
import type { ServerPaths } from './server-paths.ts';

/** Puts the manifests that come with this version into the server's manifest directory. */
export async function prepareManifests(
  { config, packagedManifests, log }: ServerOptions,
  paths: ServerPaths,
): Promise<void> {
  const [dns = '', ...others] = config.clusterDns;
  const staged = await stageManifests({
    from: packagedManifests,
    to: paths.manifests,
    disabled: new Set(config.disable),
    variables: manifestVariables({
      clusterDns: [dns, ...others],
      clusterDomain: config.clusterDomain,
      localStoragePath: `${paths.data}/storage`,
      systemDefaultRegistry: config.systemDefaultRegistry ?? '',
      preferredAddressTypes: ['InternalIP', 'ExternalIP', 'Hostname'],
    }),
  });
  log.debug('packaged manifests staged', { ...staged });
}

export interface ClusterControllersOptions extends ServerOptions {
  readonly client: ClusterClient;
  readonly paths: ServerPaths;
  /** For programs that controllers run. */
  readonly kubeconfig: string;
  readonly scope: Scope;
}

/** Makes the API server know our kinds, and adds the controllers that work on the cluster as a whole. */
export async function addClusterControllers(manager: Manager, options: ClusterControllersOptions): Promise<void> {
  const { client, config, clock, log, paths, scope } = options;
  await ensureCustomResourceDefinitions(client, [Addons, HelmCharts, HelmChartConfigs], {
    clock,
    signal: scope.signal,
  });
  const source = new DirectorySource({ root: paths.manifests, clock, log, disabled: new Set(config.disable) });
  manager.add(manifestDirectory(paths.manifests), { source });
  manager.add(apiEndpoint, { address: config.advertiseAddress, port: config.advertisePort });
  manager.add(clusterDns, { clusterDns: config.clusterDns, clusterDomain: config.clusterDomain });
  manager.add(coreDnsHosts, undefined);
  if (!config.disableHelmController) {
    const helm = new HelmProcess({
      command: [join(paths.programs, 'helm')],
      directory: paths.helm,
      kubeconfig: options.kubeconfig,
      stopping: scope.signal,
      clock,
      environment: options.environment,
    });
    manager.add(helmChart, { helm });
  }
  manager.add(addons, manifestReader(paths.manifests));
}
