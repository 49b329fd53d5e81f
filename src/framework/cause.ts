import type { Delta } from '../cluster/store.ts';

/** Why a key was queued: what `explain` and the context show. */
export interface Cause {
  /** A kind (`HelmChart.helm.cattle.io`), a source's name, or `controller` for what the controller itself asked for. */
  readonly source: string;
  readonly change:
    | 'listed'
    | 'added'
    | 'updated'
    | 'deleted'
    | 'triggered'
    | 'requeued'
    | 'retried'
    | 'resynced'
    | 'condition met'
    | 'wait timed out';
  /** The object that changed, where it is not the key itself, or the reason given with a requeue. */
  readonly detail?: string;
}

/** One line: `Job.batch helm-install updated`. */
export function describeCause(cause: Cause): string {
  return cause.detail === undefined
    ? `${cause.source} ${cause.change}`
    : `${cause.source} ${cause.detail} ${cause.change}`;
}

/** What a change in a store is to the keys that it concerns. */
export function causeOf(delta: Delta, source: string): Cause & { detail: string } {
  return { source, change: delta.type === 'added' && delta.initial ? 'listed' : delta.type, detail: delta.key };
}
