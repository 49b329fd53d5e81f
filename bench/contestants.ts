import { buildComponents } from '../components/build.ts';
import type { BenchmarkContext } from './benchmark.ts';
import type { BenchCluster } from './cluster/bench-cluster.ts';
import { createK3sCluster } from './cluster/k3s-cluster.ts';
import { createStockCluster } from './peer/stock/stock-cluster.ts';

/** Two clusters on machines of their own, made of the same components, which are built first if need be. Neither is started. */
export interface Contestants extends AsyncDisposable {
  readonly ours: BenchCluster;
  readonly stock: BenchCluster;
}

export async function createContestants({ report, signal }: BenchmarkContext): Promise<Contestants> {
  await buildComponents({ report, signal });
  await using undo = new AsyncDisposableStack();
  const ours = undo.use(await createK3sCluster());
  const stock = undo.use(await createStockCluster());
  const resources = undo.move();
  return { ours, stock, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
