import type { Clock } from '../core/clock.ts';
import { apiVersionOf, type Resource } from './resource.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
/** Questions for unknown kinds come in swarms when a definition is late; the server is asked at most this often (ms). */
const MISS_INTERVAL = 1_000;

export interface DiscoveryOptions {
  clock: Clock;
  read: (path: string, accept: string) => Promise<GroupList>;
}

/** The parts of an APIGroupDiscoveryList that are of use here. */
export interface GroupList {
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      /** `Stale`: the API server behind this version does not answer; `resources` may be missing. */
      freshness?: 'Current' | 'Stale';
      resources?: { resource: string; responseKind?: { kind?: string }; scope: 'Namespaced' | 'Cluster' }[];
    }[];
  }[];
}

/**
 * Which kinds the API server has. Learnt when first asked, and again when an unknown kind is asked for or on request.
 * A version whose own API server is broken keeps the kinds that it was last known to have, and disturbs no other.
 */
export class Discovery {
  readonly #options: DiscoveryOptions;
  #known = new Map<string, Map<string, Resource>>();
  #refreshing: Promise<void> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  async resourceFor(apiVersion: string, kind: string): Promise<Resource | undefined> {
    const found = this.#known.get(apiVersion)?.get(kind);
    if (found !== undefined) return found;
    const recent = this.#options.clock.monotonic() - this.#refreshedAt < MISS_INTERVAL;
    if (!recent || this.#refreshing !== undefined) await this.refresh();
    return this.#known.get(apiVersion)?.get(kind);
  }

  /** Joins a refresh that is already under way. Rejects when the server cannot be asked; what was known stays known. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { clock, read } = this.#options;
    const lists = await Promise.all([read('/api', AGGREGATED), read('/apis', AGGREGATED)]);
    const known = new Map<string, Map<string, Resource>>();
    for (const group of lists.flatMap((list) => list.items ?? [])) {
      for (const { version, freshness, resources } of group.versions ?? []) {
        const apiVersion = apiVersionOf({ group: group.metadata?.name ?? '', version });
        const before = this.#known.get(apiVersion);
        const isBroken = freshness === 'Stale' && resources === undefined;
        known.set(
          apiVersion,
          isBroken && before !== undefined ? before : byKind(group.metadata?.name ?? '', version, resources ?? []),
        );
      }
    }
    this.#known = known;
    this.#refreshedAt = clock.monotonic();
  }
}

type Discovered = NonNullable<NonNullable<NonNullable<GroupList['items']>[number]['versions']>[number]['resources']>;

function byKind(group: string, version: string, resources: Discovered): Map<string, Resource> {
  return new Map(
    resources.flatMap(({ resource, responseKind, scope }) => {
      const kind = responseKind?.kind;
      return kind === undefined ? [] : [[kind, { group, version, kind, plural: resource, scope }]];
    }),
  );
}
