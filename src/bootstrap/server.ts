import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createHttpClient } from '../cluster/http-client.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { systemRandom } from '../core/random.ts';
import { Scope } from '../core/scope.ts';
import { CertificateSource } from '../controllers/certificates/certificate-source.ts';
import { certificates } from '../controllers/certificates/certificates.ts';
import { startDatastore } from '../datastore/datastore.ts';
import { createManager } from '../framework/manager.ts';
import { createAuthenticator } from '../supervisor/authentication.ts';
import { createSupervisor } from '../supervisor/supervisor.ts';
import { certificateUsers } from './certificate-users.ts';
import { controlPlanePlan } from './control-plane-plan.ts';
import { addClusterControllers, prepareManifests } from './controllers.ts';
import { apiServerUrl, prepareCredentials } from './credentials.ts';
import { writeEnginePlan } from './engine-plan.ts';
import { installComponents } from './installed-components.ts';
import { requireMachine, requirePorts } from './machine-checks.ts';
import { describeNode } from './node-steps.ts';
import { CONTROL_PLANE, engineProcess } from './process-definitions.ts';
import { processController } from './processes/process-controller.ts';
import { ProcessTable } from './processes/process-table.ts';
import { apiServerReady } from './readiness.ts';
import { serverPaths, type ServerPaths } from './server-paths.ts';
import { StartGraph, type StartEvent } from './start-graph.ts';

export interface ServerOptions {
  readonly config: ServerConfig;
  /** Where components/build.ts has put the components. */
  readonly components: string;
  /** The manifests that come with this version. */
  readonly packagedManifests: string;
  /** The command line behind `k3s`, recorded on the Node without its secrets. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly report: (event: StartEvent) => void;
}

export interface RunningServer extends AsyncDisposable {
  readonly kubeconfig: string;
  readonly tokenFile: string;
  /** Rejects when something has ended without which a server cannot go on. Never resolves. */
  readonly failed: Promise<never>;
}

/**
 * Brings up a server: resolves when the API server answers, the controllers run and the node is Ready. Rejects when a step
 * fails or `signal` aborts; everything that was started has ended then.
 * Disposing stops the parts in the reverse order of their start; pods go on running.
 */
export async function startServer(options: ServerOptions, signal: AbortSignal): Promise<RunningServer> {
  const scope = new Scope(signal);
  try {
    const { graph, running } = describeServer(options);
    await graph.run({ clock: options.clock, scope, report: options.report });
    return { ...(await running), [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

/** In ms, from the signal to stop. The API server goes at the same time, so what a run has not written by then it cannot write. */
const CONTROLLERS_DRAIN = 2_000;

interface ServerDescription {
  graph: StartGraph;
  /** Resolves during the graph's run. */
  running: Promise<Omit<RunningServer, keyof AsyncDisposable>>;
}

function describeServer(options: ServerOptions): ServerDescription {
  const { config, clock, log, environment } = options;
  const paths = serverPaths(config.dataDir);
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  const running = Promise.withResolvers<Omit<RunningServer, keyof AsyncDisposable>>();
  let controllersRun = false;
  const graph = new StartGraph();

  const machine = graph.step('machine', [], () => requireMachine(config, environment, log));
  const directories = graph.step('data directory', [machine], () => makeDirectories(paths, config.datastore.path));

  const datastore = graph.step('datastore', [directories], async (scope) => {
    const store = await startDatastore({
      file: config.datastore.path,
      socket: paths.datastoreSocket,
      log: log.child({ part: 'datastore' }),
    });
    scope.use(store);
    store.failed.catch(failure.reject);
  });

  // Behind the datastore, whose lock tells a second server of this directory to go away before it touches anything.
  const components = graph.step('components', [datastore], () => installComponents(options.components, config.dataDir));
  const credentials = graph.step('certificates', [datastore], () =>
    prepareCredentials(config, environment, clock, log),
  );

  const ports = graph.step('ports', [datastore], () => requirePorts(config, environment));
  const supervision = graph.step(`port ${config.httpsListenPort}`, [credentials], async (scope, { server, tokens }) => {
    const { leaves, authorities } = server;
    const lifetime = new AbortController();
    const supervisor = await createSupervisor({
      bindAddress: config.bindAddress,
      port: config.httpsListenPort,
      clusterDomain: config.clusterDomain,
      apiFront: config.apiFront,
      serving: {
        cert: leaves.supervisorServing.certificatePem,
        key: leaves.supervisorServing.keyPem,
        clientCa: authorities.client.bundle,
      },
      serverCa: authorities.server.bundle,
      frontProxy: { cert: leaves.authProxy.certificatePem, key: leaves.authProxy.keyPem },
      apiServer: { host: config.loopback, port: config.apiServerPort },
      authenticator: createAuthenticator(() => tokens.users),
      ready: () => controllersRun,
      clock,
      log: log.child({ part: 'supervisor' }),
      signal: lifetime.signal,
    });
    return scope.use(supervisor);
  });

  const cluster = graph.step('cluster access', [credentials], (scope, { server }) => {
    const { certificatePem: cert, keyPem: key } = server.leaves.supervisor;
    const client = createHttpClient(
      { server: apiServerUrl(config), ca: server.authorities.server.bundle, cert, key },
      { clock },
    );
    return Promise.resolve(scope.use(client));
  });

  const manager = graph.step('controller manager', [cluster], (scope, client) => {
    const created = createManager({
      client,
      clock,
      random: systemRandom,
      log,
      instance: config.nodeName,
      drain: CONTROLLERS_DRAIN,
    });
    const stopped = created.run(scope.signal);
    scope.defer(() => stopped);
    return Promise.resolve(created);
  });

  graph.step(
    'certificate control',
    [manager, credentials, supervision, cluster],
    (_scope, controllers, prepared, supervisor, client) => {
      const { dataDir, nodeName } = config;
      controllers.add(certificates, {
        source: new CertificateSource({ dataDir, node: () => prepared.identity, clock }),
        nodeName,
        lifetime: prepared.leafLifetime,
        use: certificateUsers({ credentials: prepared, supervisor, client }),
      });
      return Promise.resolve();
    },
  );

  const processes = graph.step('process control', [manager], (scope, controllers) => {
    const table = new ProcessTable(clock, log);
    scope.signal.addEventListener('abort', () => table.freeze(), { once: true });
    controllers.add(processController, table);
    return Promise.resolve(table);
  });

  const apiServer = graph.step(
    'kube-apiserver',
    [components, credentials, processes, cluster, ports],
    async (scope, _components, { server, leafLifetime }, table, client) => {
      const plan = await writeEnginePlan(
        paths.etc,
        CONTROL_PLANE,
        controlPlanePlan({ config, pki: server, paths }),
        leafLifetime,
      );
      table.ensure(engineProcess(CONTROL_PLANE, plan, paths, environment));
      scope.defer(() => table.stop(CONTROL_PLANE));
      await apiServerReady(client, { clock, signal: scope.signal });
    },
  );

  const manifests = graph.step('packaged manifests', [components], () => prepareManifests(options, paths));

  graph.step(
    'controllers',
    [manager, apiServer, cluster, credentials, manifests],
    async (scope, controllers, _api, client, { adminKubeconfig, tokens, kubeconfigs }) => {
      await addClusterControllers(controllers, {
        ...options,
        client,
        paths,
        kubeconfig: kubeconfigs.supervisor,
        scope,
      });
      controllersRun = true;
      running.resolve({ kubeconfig: adminKubeconfig, tokenFile: tokens.tokenFile, failed: failure.promise });
    },
  );

  if (!config.disableAgent) {
    describeNode(graph, options, paths, { machine, components, credentials, processes, apiServer, cluster, manager });
  }
  return { graph, running: running.promise };
}

async function makeDirectories(paths: ServerPaths, databaseFile: string): Promise<void> {
  for (const path of [paths.server, paths.agent, paths.manifests, paths.etc, dirname(databaseFile)]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
  // Whoever made them before, to put files there, may not have known that they hold keys.
  for (const path of [paths.server, paths.agent]) await chmod(path, 0o700);
}
