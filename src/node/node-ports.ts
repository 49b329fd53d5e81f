import type { WantedPort } from './listeners.ts';

export interface NodePortsOptions {
  /** Where kubelet serves the API server and metrics. */
  bindAddress: string;
  loopback: '127.0.0.1' | '::1';
  kubeProxy: boolean;
}

/** TCP ports that a node's own components listen on. */
export function nodePorts({ bindAddress, loopback, kubeProxy }: NodePortsOptions): WantedPort[] {
  return [
    { port: 10250, address: bindAddress, owner: 'kubelet' },
    { port: 10248, address: loopback, owner: "kubelet's health check" },
    ...(kubeProxy
      ? [
          { port: 10249, address: loopback, owner: "kube-proxy's metrics" },
          { port: 10256, address: loopback, owner: "kube-proxy's health check" },
        ]
      : []),
  ];
}
