import { join } from 'node:path';
import type { MachineProcess } from '../../test/machine.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { createBenchMachine } from './bench-machine.ts';
import { createCheckout } from './checkout.ts';

const LOG = '/var/log/k3s.out';

/** This project, started the way its users start it: `k3s server` from the checkout. */
export async function createK3sCluster(): Promise<BenchCluster> {
  await using undo = new AsyncDisposableStack();
  const checkout = undo.use(await createCheckout());
  const machine = undo.use(await createBenchMachine());
  // A copy, because memory shared with other Node processes of the host would count only in part.
  const node = '/var/lib/rancher/node/node';
  await machine.run(`mkdir -p ${node.slice(0, node.lastIndexOf('/'))}; cp "$(command -v node)" ${node}`);
  let running: MachineProcess | undefined;
  const resources = undo.move();
  return {
    machine,
    kubeconfig: '/etc/rancher/k3s/k3s.yaml',
    async start() {
      running = await machine.spawn(`exec ${join(checkout.path, 'k3s')} server >>${LOG} 2>&1`, {
        environment: { K3S_NODE: node },
      });
      return running;
    },
    async stop() {
      await running?.kill('SIGTERM');
      await running?.exited;
      running = undefined;
    },
    // It deploys what belongs to it by itself.
    install: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
