import { join } from 'node:path';

/** Where a stock cluster has its things. `files` is seen by the host and by the machine alike, the rest is inside the machine. */
export interface StockLayout {
  /** Certificates, kubeconfigs and configuration files. */
  readonly files: string;
  /** The components, as a copy of their own. */
  readonly components: string;
  readonly etcdData: string;
  readonly containerdRoot: string;
  readonly containerdSocket: string;
  readonly logs: string;
}

export function stockLayout(files: string): StockLayout {
  const disk = '/var/lib/rancher/stock';
  return {
    files,
    components: join(disk, 'components'),
    etcdData: join(disk, 'etcd'),
    containerdRoot: join(disk, 'containerd'),
    containerdSocket: '/run/containerd/containerd.sock',
    logs: '/var/log/stock',
  };
}
