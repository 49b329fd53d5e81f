import { COMMANDS } from '../config/commands.ts';
import { renderOverview } from '../config/help.ts';

export function run(): Promise<number> {
  process.stdout.write(renderOverview(COMMANDS));
  return Promise.resolve(0);
}
