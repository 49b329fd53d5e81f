import { execBundled } from './bundled-program.ts';

/** containerd's own client, by default with this node's socket and the namespace that kubelet uses. */
export async function run(args: readonly string[]): Promise<number> {
  return await execBundled('ctr', args, {
    ...process.env,
    CONTAINERD_ADDRESS: process.env['CONTAINERD_ADDRESS'] ?? '/run/k3s/containerd/containerd.sock',
    CONTAINERD_NAMESPACE: process.env['CONTAINERD_NAMESPACE'] ?? 'k8s.io',
  });
}
