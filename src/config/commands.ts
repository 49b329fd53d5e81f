import type { Option } from './option.ts';
import { DATA_DIR_OPTION, SERVER_OPTIONS } from './server-options.ts';

/** A command of `k3s` as data: its help and its completion follow from it. */
export interface Command {
  /** The words after `k3s`. */
  readonly name: string;
  readonly summary: string;
  /** What follows the name, as the help shows it. */
  readonly usage: string;
  readonly options: readonly Option[];
  /** Fixed words that may follow. */
  readonly words?: readonly string[];
}

/** What `k3s killall` can be told. */
export const KILLALL_OPTIONS = [DATA_DIR_OPTION] as const;

export const COMMANDS = [
  { name: 'server', summary: 'Run a server: control plane and node', usage: '[OPTION]...', options: SERVER_OPTIONS },
  { name: 'kubectl', summary: 'Run kubectl against the cluster of this machine', usage: '[ARGUMENT]...', options: [] },
  { name: 'ctr', summary: 'Run ctr against the containerd of this machine', usage: '[ARGUMENT]...', options: [] },
  { name: 'crictl', summary: 'Run crictl against the containerd of this machine', usage: '[ARGUMENT]...', options: [] },
  { name: 'check-config', summary: 'Check whether this machine can run k3s', usage: '', options: [] },
  {
    name: 'killall',
    summary: 'Stop everything on this machine, pods included, and leave nothing running',
    usage: '[OPTION]...',
    options: KILLALL_OPTIONS,
  },
  { name: 'token generate', summary: 'Print a new random token', usage: '', options: [] },
  {
    name: 'completion',
    summary: 'Print a script that completes commands and options in a shell',
    usage: 'bash|zsh',
    options: [],
    words: ['bash', 'zsh'],
  },
  { name: 'help', summary: 'Show this overview', usage: '', options: [] },
] as const satisfies readonly Command[];
