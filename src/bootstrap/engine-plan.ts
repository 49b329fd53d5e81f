import { join } from 'node:path';
import { writeFileAtomically } from '../node/atomic-file.ts';

/** The file that `engine control-plane` and `engine node` are started with (components/engine/plan.go). */
export interface EnginePlan {
  /** Bounds the whole stop, all components together. */
  stopTimeoutSeconds: number;
  /** In the order of their start. */
  components: { name: string; args: string[] }[];
}

/** How often components look whether their client certificate is another, in ms, unless it lives for less than an hour. */
const CLIENT_CERTIFICATE_REFRESH = 5 * 60_000;

/** Writes the plan into `directory`; returns its path. `leafLifetime` is that of the components' certificates, in ms. */
export async function writeEnginePlan(
  directory: string,
  name: string,
  plan: EnginePlan,
  leafLifetime: number,
): Promise<string> {
  const path = join(directory, `${name}.json`);
  // A third of its life is left to a certificate that is replaced; the former one must be out of use well before its end.
  const refresh = Math.min(CLIENT_CERTIFICATE_REFRESH, leafLifetime / 12);
  const complete = { ...plan, clientCertificateRefreshSeconds: refresh / 1000 };
  await writeFileAtomically(path, `${JSON.stringify(complete, undefined, 2)}\n`, 0o600);
  return path;
}
