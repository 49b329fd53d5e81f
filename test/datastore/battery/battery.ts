import type { EtcdClient } from '../../../src/datastore/testing/etcd-client.ts';

/** What the battery runs against: a server that nobody else uses. Tests keep to keys of their own. */
export interface Target {
  readonly client: () => EtcdClient;
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Range end of everything below `prefix`. */
export function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
