import type { FailurePolicy } from '../../crds/helm-chart.ts';
import type { ReleaseRecord } from './release-record.ts';

/** What has to be done so that the release is what the spec asks for. */
export type NextStep =
  /** It is. */
  | { readonly type: 'none' }
  /** `forget` is a revision that helm was interrupted in; its record would keep helm from working on the release. */
  | { readonly type: 'upgrade'; readonly first: boolean; readonly forget: ReleaseRecord | undefined }
  /** Uninstall what a first installation left behind, then install. */
  | { readonly type: 'reinstall' }
  /** These very settings have failed, and the policy is not to try again. */
  | { readonly type: 'give up' };

/**
 * `records` are the release's revisions, oldest first; `hash` stands for what is wanted.
 * A release that once worked is never uninstalled because an upgrade of it failed, whatever the policy: that is how clusters lose
 * their network. A revision in progress can only be one that was interrupted, because one run at a time works on a release.
 */
export function nextStep(records: readonly ReleaseRecord[], hash: string, policy: FailurePolicy): NextStep {
  const latest = records.at(-1);
  if (latest === undefined || latest.status === 'uninstalled') return upgrade(true);
  if (latest.status === 'deployed') return latest.hash === hash ? { type: 'none' } : upgrade(false);
  if (latest.status === 'uninstalling') return { type: 'reinstall' };
  const worked = records.some(({ status }) => status === 'deployed' || status === 'superseded');
  const interrupted = latest.status.startsWith('pending-');
  if (!interrupted && policy === 'abort' && latest.hash === hash) return { type: 'give up' };
  if (!worked && policy === 'reinstall') return { type: 'reinstall' };
  return upgrade(!worked, interrupted ? latest : undefined);
}

function upgrade(first: boolean, forget?: ReleaseRecord): NextStep {
  return { type: 'upgrade', first, forget };
}
