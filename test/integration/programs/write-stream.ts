/**
 * Creates ConfigMaps named w-1, w-2, … one after another through port 6443, whatever happens to the server meanwhile, and prints the
 * name of each one that was acknowledged, a line each, until it is ended. Runs in a test machine.
 */
import { createHttpClient } from '../../../src/cluster/http-client.ts';
import { ConfigMaps } from '../../../src/cluster/kinds.ts';
import { loadKubeconfig } from '../../../src/cluster/kubeconfig.ts';
import { systemClock } from '../../../src/core/clock.ts';

const client = createHttpClient(await loadKubeconfig(process.env['KUBECONFIG'] ?? ''), { clock: systemClock });

for (let number = 1; ; number++) {
  const name = `w-${number}`;
  const metadata = { namespace: 'default', name };
  try {
    const signal = AbortSignal.timeout(5_000);
    await client.create(ConfigMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { name } }, { signal });
    process.stdout.write(`${name}\n`);
  } catch {
    // Not acknowledged: it may be there or not.
    await systemClock.sleep(50);
  }
}
