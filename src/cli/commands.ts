import { COMMANDS, type Command } from '../config/commands.ts';
import { nearest } from '../config/nearest.ts';
import { K3sError } from '../core/errors.ts';

/** A module under cli/ that implements one command. Resolves with the exit status; errors are thrown and printed by main. */
export interface CommandModule {
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** Loaded on use: `k3s kubectl` must not pay for the server's modules. */
export const MODULES: Readonly<Record<(typeof COMMANDS)[number]['name'], () => Promise<CommandModule>>> = {
  server: () => import('./server.ts'),
  kubectl: () => import('./kubectl.ts'),
  ctr: () => import('./ctr.ts'),
  crictl: () => import('./crictl.ts'),
  'check-config': () => import('./check-config.ts'),
  killall: () => import('./killall.ts'),
  'certificate check': () => import('./certificate-check.ts'),
  'certificate rotate': () => import('./certificate-rotate.ts'),
  'token generate': () => import('./token-generate.ts'),
  completion: () => import('./completion.ts'),
  help: () => import('./help.ts'),
};

export interface Invocation {
  command: (typeof COMMANDS)[number];
  /** What follows the command's words. */
  args: readonly string[];
}

/** The command that the words after `k3s` name. */
export function findCommand(words: readonly string[]): Invocation {
  const command = COMMANDS.find(({ name }) => name === words.slice(0, name.split(' ').length).join(' '));
  if (command !== undefined) return { command, args: words.slice(command.name.split(' ').length) };
  const [name = ''] = words;
  const names = COMMANDS.map((candidate) => candidate.name);
  const longer = names.filter((candidate) => candidate.startsWith(`${name} `));
  if (longer.length > 0) {
    throw new K3sError('K3S_CONFIG_UNKNOWN_COMMAND', `'k3s ${name}' wants another word behind it`, {
      hint: `Commands are: ${longer.map((command) => `k3s ${command}`).join(', ')}`,
    });
  }
  const near = nearest(words.slice(0, 2).join(' '), names) ?? nearest(name, names);
  throw new K3sError('K3S_CONFIG_UNKNOWN_COMMAND', `there is no command ${JSON.stringify(name)}`, {
    hint:
      near === undefined
        ? "'k3s help' lists the commands"
        : `Did you mean 'k3s ${near}'? 'k3s help' lists the commands`,
  });
}

/** Commands whose arguments, `--help` included, are another program's. */
export function passesArgumentsOn(command: Command): boolean {
  return ['kubectl', 'ctr', 'crictl'].includes(command.name);
}
