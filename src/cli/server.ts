import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { RotatingFile } from '../bootstrap/processes/rotating-file.ts';
import { startServer, type RunningServer } from '../bootstrap/server.ts';
import type { StartEvent } from '../bootstrap/start-graph.ts';
import { explain, renderExplanation } from '../config/explain.ts';
import { readHostFacts } from '../config/host.ts';
import { loadServerConfig, type ServerConfig } from '../config/server-config.ts';
import { systemClock } from '../core/clock.ts';
import { K3sError } from '../core/errors.ts';
import { createLogger, type Logger } from '../core/log.ts';
import { Progress, seconds } from './progress.ts';

const root = resolve(import.meta.dirname, '../..');
const COMPONENTS = join(root, '.cache/components/out');

/** Runs a server until SIGINT or SIGTERM. A second signal ends the process at once. */
export async function run(args: readonly string[]): Promise<number> {
  const stop = stopOnSignal();
  const config = await loadServerConfig({
    argv: args,
    environment: process.env,
    host: await readHostFacts(),
    clock: systemClock,
    signal: stop.signal,
  });
  // Hides the arguments, which may hold a token, from ps.
  process.title = 'k3s server';
  if (config.explainConfig) {
    process.stdout.write(renderExplanation(explain(config)));
    return 0;
  }
  requireRoot(config);

  const terminal = process.stderr.isTTY;
  using progress = new Progress({
    clock: systemClock,
    ...(terminal ? { width: () => process.stderr.columns } : {}),
    write: (text) => process.stderr.write(text),
  });
  using logFile = new RotatingFile(join(config.dataDir, 'server/logs/k3s.log'));
  const log = makeLogger(config, terminal, logFile, progress);
  log.info('k3s server begins', { dataDir: config.dataDir, node: config.nodeName });

  try {
    await buildFromCheckout(config.log === 'json' ? (line) => log.info(line) : progress.line, stop.signal);
    await using server = await startServer(
      {
        config,
        components: COMPONENTS,
        packagedManifests: join(root, 'manifests'),
        args: ['server', ...args],
        environment: process.env,
        clock: systemClock,
        log,
        report: config.log === 'json' ? reportTo(log) : progress.report,
      },
      stop.signal,
    );
    if (config.log === 'json') log.info('ready', { took: Math.round(progress.elapsed), kubeconfig: server.kubeconfig });
    else announce(server, progress);
    await Promise.race([server.failed, aborted(stop.signal)]);
    log.info('stopping; pods go on running');
    if (terminal) progress.line('Stopping; pods go on running.');
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 0;
    if (config.log === 'json') {
      log.error('k3s server ends', { error });
      return 1;
    }
    // The file only: for the reader of the output, main says it.
    createLogger({
      clock: systemClock,
      level: 'error',
      format: config.log,
      write: (line) => logFile.write(line),
    }).error('k3s server ends', { error });
    throw error;
  }
}

function announce(server: RunningServer, progress: Progress): void {
  progress.line(`Ready in ${seconds(progress.elapsed)}.`);
  progress.line(`Use it:            ${k3sCommand()} kubectl get nodes    (kubeconfig: ${server.kubeconfig})`);
  progress.line(`Join token of it:  ${server.tokenFile}`);
}

/** The launcher as it can be called from here. */
function k3sCommand(): string {
  const launcher = join(root, 'k3s');
  if (!existsSync(launcher)) return 'k3s';
  const path = relative(process.cwd(), launcher);
  return path.startsWith('..') ? launcher : `./${path}`;
}

/** The steps as log lines, for whoever reads the output by machine. */
function reportTo(log: Logger): (event: StartEvent) => void {
  return (event) => {
    const fields = { step: event.step.title, ...('took' in event ? { took: Math.round(event.took) } : {}) };
    if (event.type === 'failed') log.error('step failed', { ...fields, error: event.error });
    else log[event.type === 'started' ? 'debug' : 'info'](`step ${event.type}`, fields);
  };
}

/** In a checkout, components are built where they are missing or out of date; a release carries them. */
async function buildFromCheckout(report: (line: string) => void, signal: AbortSignal): Promise<void> {
  const script = join(root, 'components/build.ts');
  if (!existsSync(script)) return;
  const { buildComponents } = await import('../../components/build.ts');
  await buildComponents({ report, signal });
}

function stopOnSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort(new K3sError('K3S_SERVER_STOPPED', `stopped by ${signal}`));
    });
  }
  return stop;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}

function requireRoot(config: ServerConfig): void {
  if (process.geteuid?.() === 0 || config.disableAgent) return;
  throw new K3sError('K3S_HOST_NOT_ROOT', 'k3s server has to run as root: it makes containers and networks', {
    hint: 'Run it with sudo, or with --disable-agent for a server without a node.',
  });
}

/**
 * Everything goes into the log file; to a terminal, which shows the progress, only what needs attention. What components call an
 * error is often none (a healthy start has dozens), and one that ends is reported by the server itself.
 */
function makeLogger(config: ServerConfig, terminal: boolean, file: RotatingFile, progress: Progress): Logger {
  const level = config.debug ? 'debug' : 'info';
  const quiet = terminal && !config.debug;
  return createLogger({
    clock: systemClock,
    level,
    format: config.log,
    write(line, severity, { process: component }) {
      file.write(line);
      const urgent = severity === 'error' || severity === 'warn';
      if (!quiet || (urgent && component === undefined)) progress.line(line);
    },
  });
}
