import type { Clock } from '../../core/clock.ts';
import { K3sError } from '../../core/errors.ts';
import type { ClusterClient } from '../../cluster/client.ts';
import { CustomResourceDefinitions, type CustomResourceDefinition } from '../../cluster/kinds.ts';
import type { CustomResource } from '../../crds/custom-resource.ts';

export interface EnsureOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How long the API server may take to serve a kind. Default 60 s. */
  timeout?: number;
}

/** Between two looks at a definition that is not established yet; an idle API server takes about 100 ms for it. */
const LOOK_AGAIN = 50;

/**
 * Makes the API server know our kinds and resolves when it serves them. Definitions that exist already, k3s's included, are brought
 * to ours. Rejects with K3S_CRD_NOT_ESTABLISHED when that does not come about in time; a failure that may pass is retried.
 */
export async function ensureCustomResourceDefinitions(
  client: ClusterClient,
  resources: readonly Pick<CustomResource<never>, 'definition'>[],
  options: EnsureOptions,
): Promise<void> {
  await Promise.all(resources.map(({ definition }) => ensure(client, definition, options)));
}

async function ensure(
  client: ClusterClient,
  definition: CustomResource<never>['definition'],
  { clock, signal, timeout = 60_000 }: EnsureOptions,
): Promise<void> {
  const { name } = definition.metadata;
  const deadline = clock.monotonic() + timeout;
  let applied = false;
  let problem: unknown;
  for (;;) {
    try {
      const live: CustomResourceDefinition = applied
        ? await client.get(CustomResourceDefinitions, { name }, { signal })
        : await client.apply(CustomResourceDefinitions, definition, {
            fieldManager: 'k3s',
            force: true,
            signal,
          });
      applied = true;
      if (isTrue(live, 'Established')) return;
      problem = live.status?.conditions?.find((condition) => condition.status === 'False')?.message;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof K3sError && error.retryable)) throw error;
      problem = error;
    }
    if (clock.monotonic() >= deadline) {
      throw new K3sError('K3S_CRD_NOT_ESTABLISHED', `the API server does not serve ${name} after ${timeout / 1000} s`, {
        fields: { name },
        cause: problem,
        hint: `See the conditions of "kubectl get crd ${name} -o yaml".`,
      });
    }
    await clock.sleep(LOOK_AGAIN, signal);
  }
}

function isTrue(definition: CustomResourceDefinition, type: string): boolean {
  return (
    definition.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
  );
}
