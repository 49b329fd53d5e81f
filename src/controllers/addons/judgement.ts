import { describeError, type K3sError } from '../../core/errors.ts';
import type { ApplyFailure, ConditionStatus, EventType } from '../../framework/context.ts';
import { done, requeue, RetryableError, TerminalError, type Outcome } from '../../framework/outcome.ts';
import type { ManifestObjects } from './manifest-objects.ts';

/** What a run says about an Addon, and how it ends. */
export interface Judgement {
  readonly conditions: readonly { type: string; status: ConditionStatus; reason: string; message: string }[];
  readonly events: readonly { type: EventType; reason: string; message: string }[];
  /** Everything that the manifest asks for is in the cluster. */
  readonly complete: boolean;
  /** An error is to be thrown. */
  readonly end: Outcome | K3sError;
}

/** Problems that a message spells out; the rest are counted. */
const SPELLED_OUT = 5;

/** In ms. A kind may come from an aggregated API server, of which no CustomResourceDefinition tells. */
const ASK_AGAIN = 60_000;

/** In ms, after a definition has come: the server takes a moment to serve what it defines. */
const ASK_SOON = 2_000;

/**
 * `failures` are the objects of the manifest that could not be applied, and those that could not be deleted; `defined` says
 * that the run was caused by a CustomResourceDefinition.
 */
export function judge(
  source: string,
  { objects, problems }: ManifestObjects,
  failures: readonly ApplyFailure[],
  defined: boolean,
): Judgement {
  const place = JSON.stringify(source);
  const syntax = problems.filter(({ type }) => type === 'syntax');
  const invalid = problems.filter(({ type }) => type === 'object');
  const failed = failures.map(({ object, error }) => ({
    message: `${object.kind} ${object.name}: ${describeError(error)}`,
    missing: error.code === 'K3S_APPLY_UNKNOWN_KIND',
  }));
  const rejected = failed.filter(({ missing }) => !missing);
  const unread = syntax.length > 0 ? 'ParseManifestFailed' : 'ValidateManifestFailed';
  const unapplied = rejected.length > 0 ? 'ApplyManifestFailed' : 'KindNotFound';
  const everything = `${objects.length} ${objects.length === 1 ? 'object is' : 'objects are'} in the cluster.`;
  const complete = problems.length === 0 && failed.length === 0;
  return {
    conditions: [
      problems.length === 0
        ? { type: 'Parsed', status: 'True', reason: 'Parsed', message: 'Every document could be read.' }
        : { type: 'Parsed', status: 'False', reason: unread, message: list(problems) },
      failed.length === 0
        ? { type: 'Applied', status: 'True', reason: 'Applied', message: everything }
        : { type: 'Applied', status: 'False', reason: unapplied, message: list(failed) },
      complete
        ? { type: 'Ready', status: 'True', reason: 'Applied', message: everything }
        : {
            type: 'Ready',
            status: 'False',
            reason: problems.length > 0 ? unread : unapplied,
            message: list([...problems, ...failed]),
          },
    ],
    events: [
      ...warning('ParseManifestFailed', `Parse manifest at ${place} failed`, syntax),
      ...warning('ValidateManifestFailed', `Validate manifest at ${place} failed`, invalid),
      ...warning('ApplyManifestFailed', `Apply manifest at ${place} failed`, failed),
    ],
    complete,
    end: endOf(source, { rejected, failed, problems }, defined ? ASK_SOON : ASK_AGAIN),
  };
}

function endOf(
  source: string,
  { rejected, failed, problems }: Record<'rejected' | 'failed' | 'problems', readonly Described[]>,
  askAgain: number,
): Outcome | K3sError {
  const fields = { source };
  if (rejected.length > 0) return new RetryableError('K3S_MANIFEST_APPLY', `${source}: ${list(rejected)}`, { fields });
  if (failed.length > 0) return requeue(askAgain, `a kind is missing: ${list(failed)}`);
  if (problems.length === 0) return done();
  return new TerminalError('K3S_MANIFEST_INVALID', `${source}: ${list(problems)}`, {
    fields,
    until: 'the file changes',
  });
}

interface Described {
  readonly message: string;
}

function warning(reason: string, what: string, items: readonly Described[]): Judgement['events'] {
  return items.length === 0 ? [] : [{ type: 'Warning', reason, message: `${what}: ${list(items)}` }];
}

function list(items: readonly Described[]): string {
  const spelled = items.slice(0, SPELLED_OUT).map(({ message }) => message);
  const more = items.length - spelled.length;
  return `${spelled.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
