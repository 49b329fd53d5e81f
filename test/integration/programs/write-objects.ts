/**
 * Writes through port 6443 without pause, and prints a line for each write that was acknowledged: `CONFIGMAP RESOURCEVERSION`. A write that
 * fails is not repeated; the next one follows. Each turn creates the ConfigMap `<name>-<turn>` and sets `turn` in the ConfigMap `<name>`.
 * Takes the name and the server name of the TLS handshake. Runs in a test machine until it is ended.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { json } from 'node:stream/consumers';
import { loadKubeconfig } from '../../../src/cluster/kubeconfig.ts';
import { systemClock } from '../../../src/core/clock.ts';

/** A request without an answer for so long, in ms, has failed. */
const PATIENCE = 5_000;
/** Between two writes, in ms: a steady stream that leaves the machine time for what is tested. */
const PAUSE = 10;

const [name = '', serverName = ''] = process.argv.slice(2);
const { ca, cert, key } = await loadKubeconfig(process.env['KUBECONFIG'] ?? '');
const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, cert, key, servername: serverName });
const configMaps = '/api/v1/namespaces/default/configmaps';

async function write(object: string, method: string, path: string, body: object): Promise<void> {
  try {
    const sent = request({
      host: '127.0.0.1',
      port: 6443,
      agent,
      method,
      path,
      headers: { 'content-type': method === 'POST' ? 'application/json' : 'application/merge-patch+json' },
      signal: AbortSignal.timeout(PATIENCE),
    });
    sent.end(JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    const answer = (await json(response)) as { metadata: { resourceVersion?: string } };
    if (response.statusCode < 300) console.log(`${object} ${answer.metadata.resourceVersion}`);
  } catch {
    // Not acknowledged.
  }
  await systemClock.sleep(PAUSE);
}

const configMap = (object: string, turn: number): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: object, labels: { writer: name } },
  data: { turn: `${turn}` },
});

for (let turn = 0; ; turn++) {
  await write(`${name}-${turn}`, 'POST', configMaps, configMap(`${name}-${turn}`, turn));
  await write(
    name,
    turn === 0 ? 'POST' : 'PATCH',
    turn === 0 ? configMaps : `${configMaps}/${name}`,
    configMap(name, turn),
  );
}
