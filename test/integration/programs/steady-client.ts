/**
 * A client as it should be: reads its kubeconfig again when that has changed, keeps its connections, and repeats no request. Sends requests
 * one after another both ways through port 6443, and looks at what every TLS listener of the machine shows, until each of them has
 * shown so many other certificates than at first; then prints `SteadyReport` as JSON. Takes the node's name and that number. Runs
 * in a test machine.
 */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { loadKubeconfig } from '../../../src/cluster/kubeconfig.ts';
import { systemClock } from '../../../src/core/clock.ts';

export interface SteadyReport {
  readonly requests: number;
  readonly failures: readonly string[];
  /** Ends of validity that each listener has shown, as text, in order. */
  readonly shown: Readonly<Record<string, readonly string[]>>;
  /** Listeners that showed a certificate which was not valid then. */
  readonly invalid: readonly string[];
}

const KUBECONFIG = process.env['KUBECONFIG'] ?? '';
const [node = '', rotations = ''] = process.argv.slice(2);

const LISTENERS: Readonly<Record<string, { port: number; servername: string }>> = {
  'kube-apiserver': { port: 6443, servername: 'kubernetes' },
  supervisor: { port: 6443, servername: 'localhost' },
  kubelet: { port: 10250, servername: 'localhost' },
  'kube-controller-manager': { port: 10257, servername: 'localhost' },
  'kube-scheduler': { port: 10259, servername: 'localhost' },
};

const PATHS = ['/api/v1/namespaces/default', `/api/v1/nodes/${node}/proxy/healthz`];

const failures: string[] = [];
const invalid: string[] = [];
const shown: Record<string, string[]> = {};
let requests = 0;
const end = new AbortController();

async function send(agent: Agent, method: string, path: string, body?: string): Promise<void> {
  requests++;
  try {
    const headers = body === undefined ? {} : { 'content-type': 'application/merge-patch+json' };
    const sent = request({ host: '127.0.0.1', port: 6443, agent, method, path, headers });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    const answer = await text(response);
    if (response.statusCode >= 300)
      failures.push(`${new Date().toISOString()} ${method} ${path}: ${response.statusCode} ${answer}`);
  } catch (error) {
    failures.push(`${new Date().toISOString()} ${method} ${path}: ${String(error)}`);
  }
}

async function sendSteadily(servername: string): Promise<void> {
  let changed = 0;
  let agent: Agent | undefined;
  for (let turn = 0; !end.signal.aborted; turn++) {
    const { mtimeMs } = statSync(KUBECONFIG);
    if (agent === undefined || mtimeMs !== changed) {
      changed = mtimeMs;
      agent?.destroy();
      const { ca, cert, key } = await loadKubeconfig(KUBECONFIG);
      agent = new Agent({ keepAlive: true, maxSockets: 1, ca, cert, key, servername });
    }
    for (const path of PATHS) await send(agent, 'GET', path);
    await send(
      agent,
      'PATCH',
      '/api/v1/namespaces/default',
      JSON.stringify({ metadata: { annotations: { turn: `${turn}` } } }),
    );
    await systemClock.sleep(50);
  }
  agent?.destroy();
}

/** Each look is a connection of its own. */
async function look(name: string, { port, servername }: { port: number; servername: string }): Promise<void> {
  const seen = (shown[name] = shown[name] ?? []);
  while (!end.signal.aborted) {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
    try {
      await once(socket, 'secureConnect');
      const { valid_from: from, valid_to: until } = socket.getPeerCertificate();
      const now = systemClock.now();
      if (Date.parse(from) > now || Date.parse(until) < now) invalid.push(`${name} ${until}`);
      if (seen.at(-1) !== until) seen.push(until);
    } catch (error) {
      failures.push(`${new Date().toISOString()} ${name}: ${String(error)}`);
    }
    socket.end();
    await systemClock.sleep(500);
  }
}

async function allRotated(): Promise<void> {
  while (!Object.keys(LISTENERS).every((name) => (shown[name]?.length ?? 0) > Number(rotations)))
    await systemClock.sleep(100);
  end.abort();
}

await Promise.all([
  sendSteadily('kubernetes'),
  sendSteadily('localhost'),
  ...Object.entries(LISTENERS).map(([name, listener]) => look(name, listener)),
  allRotated(),
]);
console.log(JSON.stringify({ requests, failures, shown, invalid } satisfies SteadyReport));
