import { describeError, K3sError } from '../core/errors.ts';
import { findCommand, MODULES, passesArgumentsOn } from './commands.ts';

/** 2 for a wrong call or configuration, 1 for everything else. */
function exitCodeOf(error: unknown): number {
  return error instanceof K3sError && error.code.startsWith('K3S_CONFIG_') ? 2 : 1;
}

async function main(words: readonly string[]): Promise<number> {
  const [first] = words;
  if (first === '--version' || first === '-v') {
    const { VERSION } = await import('../config/version.ts');
    process.stdout.write(
      `k3s version ${VERSION.k3s}\nkubernetes version ${VERSION.kubernetes}\nnode version ${process.version}\n`,
    );
    return 0;
  }
  const named = first === undefined || first === '--help' || first === '-h' ? ['help'] : words;
  const { command, args } = findCommand(named);
  if (!passesArgumentsOn(command) && args.some((argument) => argument === '--help' || argument === '-h')) {
    const { renderHelp } = await import('../config/help.ts');
    process.stdout.write(renderHelp(command));
    return 0;
  }
  const { run } = await MODULES[command.name]();
  return await run(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`k3s: ${describeError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
