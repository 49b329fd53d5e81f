import { WatchStream, type WatchStreamOptions } from '../watch/watch-stream.ts';
import type { ServiceMethods } from './service.ts';

/** etcdserverpb.Watch */
export function watchService(options: WatchStreamOptions): ServiceMethods {
  return [['/etcdserverpb.Watch/Watch', { kind: 'stream', open: (peer) => new WatchStream(peer, options) }]];
}
