import { COMMANDS } from '../config/commands.ts';
import { renderCompletion } from '../config/completion.ts';
import { K3sError } from '../core/errors.ts';

export function run(args: readonly string[]): Promise<number> {
  const [shell] = args;
  if ((shell !== 'bash' && shell !== 'zsh') || args.length > 1) {
    throw new K3sError('K3S_CONFIG_UNEXPECTED_ARGUMENT', "expected 'k3s completion bash' or 'k3s completion zsh'", {
      hint: 'Load it in the present shell with: source <(k3s completion bash)',
    });
  }
  process.stdout.write(renderCompletion(shell, COMMANDS));
  return Promise.resolve(0);
}
