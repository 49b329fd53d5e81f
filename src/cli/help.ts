import { COMMANDS } from '../config/commands.ts';
import { renderHelp, renderOverview } from '../config/help.ts';
import { refuseArguments } from './arguments.ts';
import { findCommand } from './commands.ts';

/** `k3s help` shows all commands, `k3s help COMMAND` the options of one. */
export function run(words: readonly string[]): Promise<number> {
  if (words.length === 0) process.stdout.write(renderOverview(COMMANDS));
  else {
    const { command, args } = findCommand(words);
    refuseArguments('help', args);
    process.stdout.write(renderHelp(command));
  }
  return Promise.resolve(0);
}
