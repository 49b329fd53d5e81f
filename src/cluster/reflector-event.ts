import type { KubernetesObject } from './object.ts';

/**
 * What a reflector tells its store. Between `Init` and `InitDone` comes a whole new generation of the set, built off to the side:
 * `InitApply` adds to it, `Delete` takes away from it, another `Init` throws it away. `InitDone` puts it in the place of the old one.
 * Outside of that, `Apply` and `Delete` change the set and `Bookmark` says that nothing else happened up to a resource version.
 */
export type ReflectorEvent<T extends KubernetesObject = KubernetesObject> =
  | { type: 'Init' }
  | { type: 'InitApply'; object: T }
  | { type: 'InitDone'; resourceVersion: string }
  | { type: 'Apply'; object: T }
  | { type: 'Delete'; object: T }
  | { type: 'Bookmark'; resourceVersion: string };
