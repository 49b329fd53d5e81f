import { Namespaces } from '../../../src/cluster/kinds.ts';
import { scenarios } from './scenarios.ts';
import type { Scenario, Subject } from './scenario.ts';

/** The longest that a scenario may wait for a real server. */
const LIMIT = 30_000;
let count = 0;

/** Runs one scenario in a namespace of its own. Rejects with what did not hold. */
export async function runScenario({ client }: Subject, scenario: Scenario): Promise<void> {
  const id = `c${process.pid}-${++count}`;
  await client.create(Namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: id } });
  try {
    await scenario.run({ client, namespace: id, id, signal: AbortSignal.timeout(LIMIT) });
  } finally {
    await client.delete(Namespaces, { name: id });
  }
}

/** The scenarios that a subject can be held to. */
export function scenariosFor(subject: Pick<Subject, 'hasControllers'>): Scenario[] {
  return scenarios.filter(({ needsControllers = false }) => !needsControllers || subject.hasControllers);
}
