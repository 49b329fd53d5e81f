import { join } from 'node:path';
import { writeFileAtomically } from '../node/atomic-file.ts';

/** The file that `engine control-plane` and `engine node` are started with (components/engine/plan.go). */
export interface EnginePlan {
  /** Bounds the whole stop, all components together. */
  stopTimeoutSeconds: number;
  /** In the order of their start. */
  components: { name: string; args: string[] }[];
}

/** Writes the plan into `directory`; returns its path. */
export async function writeEnginePlan(directory: string, name: string, plan: EnginePlan): Promise<string> {
  const path = join(directory, `${name}.json`);
  await writeFileAtomically(path, `${JSON.stringify(plan, undefined, 2)}\n`, 0o600);
  return path;
}
