import { machineChecks, wantedPorts } from '../bootstrap/machine-checks.ts';
import { readHostFacts } from '../config/host.ts';
import { loadServerConfig } from '../config/server-config.ts';
import { systemClock } from '../core/clock.ts';
import { describeHostChecks } from '../node/host-checks.ts';
import { refuseArguments } from './arguments.ts';

/** Checks the machine against the server's configuration; the exit status is 1 when something is missing that a node needs. */
export async function run(args: readonly string[]): Promise<number> {
  refuseArguments('check-config', args);
  const config = await loadServerConfig({
    argv: [],
    environment: process.env,
    host: await readHostFacts(),
    clock: systemClock,
  });
  const all = await machineChecks(config, process.env, wantedPorts(config));
  // A server that runs already has its ports.
  const checks = all.filter(
    ({ code, found }) => code !== 'K3S_HOST_PORT_IN_USE' || !found.includes('taken by engine ('),
  );
  process.stdout.write(`${describeHostChecks(checks).join('\n')}\n`);
  return checks.some(({ status }) => status === 'fail') ? 1 : 0;
}
