import type { ClusterClient } from '../cluster/client.ts';
import { keyOf, refOf, type KubernetesObject } from '../cluster/object.ts';
import type { Resource } from '../cluster/resource.ts';
import { formatKind, formatKinds, parseKinds, type ObjectKind } from './group-kinds.ts';

/** The kinds of an apply set, recorded in an annotation of its owner. */
export class KindRecord {
  readonly #owner: { readonly resource: Resource; readonly object: KubernetesObject };
  readonly #annotation: string;
  #kinds: readonly ObjectKind[];

  constructor(owner: { resource: Resource; object: KubernetesObject }, annotation: string) {
    this.#owner = owner;
    this.#annotation = annotation;
    this.#kinds = parseKinds(owner.object.metadata.annotations?.[annotation]);
  }

  get kinds(): readonly ObjectKind[] {
    return this.#kinds;
  }

  /** Sends nothing when the same kinds are recorded already. */
  async write(client: ClusterClient, kinds: readonly ObjectKind[]): Promise<void> {
    const known = new Set(this.#kinds.map(formatKind));
    const wanted = new Set(kinds.map(formatKind));
    if (known.size === wanted.size && [...known].every((kind) => wanted.has(kind))) return;
    const annotations = { [this.#annotation]: kinds.length === 0 ? null : formatKinds(kinds) };
    const ref = refOf(keyOf(this.#owner.object));
    await client.patch(this.#owner.resource, ref, { type: 'merge', body: { metadata: { annotations } } });
    this.#kinds = kinds;
  }
}
