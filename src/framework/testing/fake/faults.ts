import type { Resource } from '../../../cluster/resource.ts';
import type { Random } from '../../../core/random.ts';
import { Failure, groupResource } from './failure.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'apply' | 'patch' | 'delete' | 'raw';

/** A disturbance of requests. What is left out matches everything. */
export interface Fault {
  verb?: Verb | readonly Verb[];
  resource?: Resource;
  name?: string;
  namespace?: string;
  /** Answer with this HTTP status; `network`: no answer at all. Absent: only the delay. */
  status?: number | 'network';
  reason?: string;
  message?: string;
  /** Milliseconds that the answer asks the client to wait. */
  retryAfter?: number;
  /** Milliseconds before the request is looked at. */
  delay?: number;
  /** Carry the request out and lose the answer: the client cannot know whether it happened. */
  after?: boolean;
  /** How many requests it hits; 1 unless given. */
  times?: number;
  /** Hits only this share of the matching requests, by the cluster's own random numbers. */
  chance?: number;
}

export interface FaultTarget {
  verb: Verb;
  resource: Resource | undefined;
  namespace: string | undefined;
  name: string | undefined;
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The disturbances that are still to come. */
export class FaultPlan {
  readonly #faults = new Set<{ fault: Fault; left: number }>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  add(fault: Fault): Disposable {
    const entry = { fault, left: fault.times ?? 1 };
    this.#faults.add(entry);
    return { [Symbol.dispose]: () => this.#faults.delete(entry) };
  }

  /** The fault that hits this request, if any; it is used up by that. */
  strike(target: FaultTarget): Fault | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (!matches(fault, target)) continue;
      if (fault.chance !== undefined && this.#random.next() >= fault.chance) continue;
      entry.left--;
      if (entry.left <= 0) this.#faults.delete(entry);
      return fault;
    }
    return undefined;
  }
}

export function failureOf(fault: Fault, status: number): Failure {
  const reason = fault.reason ?? REASONS[status] ?? '';
  return new Failure(status, { reason, message: fault.message ?? `injected ${status} ${reason}` }, fault.retryAfter);
}

function matches({ verb, resource, name, namespace }: Fault, target: FaultTarget): boolean {
  if (verb !== undefined && (typeof verb === 'string' ? verb !== target.verb : !verb.includes(target.verb)))
    return false;
  if (name !== undefined && name !== target.name) return false;
  if (namespace !== undefined && namespace !== target.namespace) return false;
  if (resource === undefined) return true;
  return target.resource !== undefined && groupResource(resource) === groupResource(target.resource);
}
