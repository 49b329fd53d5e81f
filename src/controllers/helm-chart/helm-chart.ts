import { isDeepStrictEqual } from 'node:util';
import { describeError } from '../../core/errors.ts';
import { isNotFound } from '../../cluster/api-error.ts';
import { ConfigMaps, Secrets } from '../../cluster/kinds.ts';
import { refOf, keyOf } from '../../cluster/object.ts';
import { HelmChartConfigs } from '../../crds/helm-chart-config.ts';
import { HelmCharts, type HelmChart } from '../../crds/helm-chart.ts';
import type { ReconcileContext } from '../../framework/context.ts';
import { defineController } from '../../framework/controller.ts';
import { done, RetryableError, TerminalError } from '../../framework/outcome.ts';
import { errorText, HelmEnded, type HelmResult, type HelmRun, type HelmRunner } from './helm-runner.ts';
import { nextStep, type NextStep } from './next-step.ts';
import { readReferences } from './references.ts';
import { planRelease, releaseOf, uninstallRun, type ReleasePlan } from './release-plan.ts';
import { describeRecord, releaseRecords, type ReleaseRecord, type ReleaseRef } from './release-record.ts';
import { whileWanted } from './while-wanted.ts';

export interface HelmChartDeps {
  helm: HelmRunner;
}

type Context = ReconcileContext<HelmChartDeps, HelmChart>;

/** k3s's controller claims charts by this annotation. */
const MANAGED_BY = 'helmcharts.cattle.io/managed-by';
const OUR_NAME = 'helm-controller';
const UNMANAGED = 'helmcharts.helm.cattle.io/unmanaged';

/** After the n-th failure in a row, in ms: at least FIRST_RETRY · 2ⁿ⁻¹, and LAST_RETRY at most. */
const FIRST_RETRY = 5_000;
const LAST_RETRY = 300_000;

/**
 * Installs, upgrades and uninstalls Helm charts by running helm. What is wanted is compared by hash with what helm has recorded, so a
 * restart runs nothing that is already done, and a failure is tried again ever more seldom.
 */
export const helmChart = defineController<HelmChart, HelmChartDeps>({
  name: 'helm-chart',
  for: HelmCharts,
  finalizer: 'wrangler.cattle.io/on-helm-chart-remove',
  concurrency: 2,
  // Each run of helm has its own limit, which the HelmChart sets.
  timeout: 24 * 3_600_000,
  // What is written about a chart is no reason to look at it again.
  predicate: ({ type, object, previous }) =>
    type !== 'updated' ||
    previous?.metadata.generation !== object.metadata.generation ||
    previous?.metadata.deletionTimestamp !== object.metadata.deletionTimestamp ||
    !isDeepStrictEqual(previous?.metadata.annotations, object.metadata.annotations),

  async reconcile(ctx, chart) {
    if (!isOurs(chart)) return done();
    const plan = await planFor(ctx, chart);
    const records = await releaseRecords(ctx.client, plan.release);
    const step = nextStep(records, plan.hash, plan.policy);
    if (step.type === 'give up') {
      throw new TerminalError('K3S_HELM_FAILED', chart.status?.lastError ?? 'the last run of helm failed', {
        until: 'the HelmChart changes, because its failurePolicy is abort',
      });
    }
    if (step.type === 'none') await reportDeployed(ctx, chart, plan.release, records);
    else await carryOut(ctx, chart, plan, step).catch(unlessEnded(ctx));
    return done();
  },

  async cleanup(ctx, chart) {
    if (!isOurs(chart)) return done();
    const release = releaseOf(chart);
    if ((await releaseRecords(ctx.client, release)).length === 0) return done();
    ctx.event('Normal', 'UninstallingChart', `Uninstalling release ${keyOf(release)}`);
    await runHelm(ctx, chart, uninstallRun(release), 'UninstallFailed');
    ctx.log.info('release uninstalled', { release: keyOf(release) });
    return done();
  },
});

function isOurs({ metadata: { annotations = {} } }: HelmChart): boolean {
  return !(UNMANAGED in annotations) && (annotations[MANAGED_BY] ?? OUR_NAME) === OUR_NAME;
}

async function planFor(ctx: Context, chart: HelmChart): Promise<ReleasePlan> {
  const { name = '', namespace = '' } = chart.metadata;
  try {
    const config = (await ctx.read(HelmChartConfigs, { namespace, name }))?.spec ?? {};
    const references = await readReferences(ctx, namespace, { chart: chart.spec ?? {}, config });
    return planRelease(chart, config, references);
  } catch (error) {
    if (error instanceof TerminalError) report(ctx, 'InvalidSpec', error.message);
    else if (error instanceof RetryableError) report(ctx, 'ReferenceMissing', describeError(error));
    else throw error;
    await ctx.patchStatus({ observedGeneration: chart.metadata.generation ?? 0, failures: null });
    throw error;
  }
}

async function carryOut(
  ctx: Context,
  chart: HelmChart,
  plan: ReleasePlan,
  step: Extract<NextStep, { type: 'upgrade' | 'reinstall' }>,
): Promise<void> {
  const { release, install } = plan;
  const first = step.type === 'reinstall' || step.first;
  const doing = first ? 'Installing' : 'Upgrading';
  ctx.condition('Ready', 'False', doing, `${doing} release ${keyOf(release)}`);
  await ctx.patchStatus({ observedGeneration: chart.metadata.generation ?? 0 });
  ctx.event('Normal', `${doing}Chart`, `${doing} release ${keyOf(release)}`);
  if (step.type === 'upgrade' && step.forget !== undefined) await forget(ctx, release, step.forget);
  if (step.type === 'reinstall') await runHelm(ctx, chart, uninstallRun(release), 'UninstallFailed');
  await runHelm(ctx, chart, install, first ? 'InstallFailed' : 'UpgradeFailed');
  await reportDeployed(ctx, chart, release, await releaseRecords(ctx.client, release));
  ctx.event('Normal', first ? 'InstalledChart' : 'UpgradedChart', `Release ${keyOf(release)} is deployed`);
  ctx.log.info('release deployed', { release: keyOf(release) });
}

/** Whatever ended helm has the chart looked at again: its change has queued it, and the next start lists it. */
function unlessEnded(ctx: Context): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof HelmEnded)) throw error;
    ctx.log.info('helm was ended', { reason: error.message });
  };
}

/** Rejects with a RetryableError, after having told everybody, when helm fails or cannot be run. */
async function runHelm(ctx: Context, chart: HelmChart, run: HelmRun, failed: string): Promise<void> {
  let result: HelmResult;
  try {
    result = await whileWanted(ctx, chart, (signal) => ctx.deps.helm.run(run, signal));
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof HelmEnded) throw error;
    throw await failure(ctx, chart, failed, describeError(error));
  }
  ctx.log.debug('helm has run', { succeeded: result.succeeded, output: result.output });
  if (!result.succeeded) throw await failure(ctx, chart, failed, errorText(result.output));
}

/** Takes the record of an interrupted revision away; the one before it is then the latest again. */
async function forget(ctx: Context, release: ReleaseRef, { object, revision }: ReleaseRecord): Promise<void> {
  ctx.log.warn('helm was interrupted; its revision is dropped', { release: keyOf(release), revision });
  const { uid } = object.metadata;
  try {
    await ctx.client.delete(release.driver === 'secret' ? Secrets : ConfigMaps, refOf(keyOf(object)), {
      preconditions: uid === undefined ? {} : { uid },
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function reportDeployed(
  ctx: Context,
  chart: HelmChart,
  release: ReleaseRef,
  records: readonly ReleaseRecord[],
): Promise<void> {
  const latest = records.at(-1);
  const message = latest === undefined ? 'deployed' : `revision ${latest.revision} is deployed`;
  ctx.condition('Ready', 'True', 'Deployed', message);
  ctx.condition('Failed', 'False', 'Deployed', message);
  await ctx.patchStatus({
    observedGeneration: chart.metadata.generation ?? 0,
    release: latest === undefined ? null : describeRecord(release, latest),
    failures: null,
    lastError: null,
  });
}

/** Tells what helm said wherever somebody may look, and when the next attempt is due. */
async function failure(ctx: Context, chart: HelmChart, reason: string, text: string): Promise<RetryableError> {
  const release = releaseOf(chart);
  const latest = (await releaseRecords(ctx.client, release)).at(-1);
  const { observedGeneration, failures: before = 0 } = chart.status ?? {};
  const failures = observedGeneration === chart.metadata.generation ? before + 1 : 1;
  report(ctx, reason, text);
  await ctx.patchStatus({
    failures,
    lastError: text,
    release: latest === undefined ? null : describeRecord(release, latest),
  });
  return new RetryableError('K3S_HELM_FAILED', text, {
    fields: { release: keyOf(release), failures },
    after: Math.min(LAST_RETRY, FIRST_RETRY * 2 ** Math.min(failures - 1, 20)),
  });
}

function report(ctx: Context, reason: string, message: string): void {
  ctx.condition('Ready', 'False', reason, message);
  ctx.condition('Failed', 'True', reason, message);
  ctx.event('Warning', reason, message);
}
