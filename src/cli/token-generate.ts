import { generateBootstrapToken } from '../pki/token.ts';
import { refuseArguments } from './arguments.ts';

export function run(args: readonly string[]): Promise<number> {
  refuseArguments('token generate', args);
  process.stdout.write(`${generateBootstrapToken()}\n`);
  return Promise.resolve(0);
}
