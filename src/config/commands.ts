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

const SERVICE_OPTION = {
  name: 'service',
  short: 's',
  type: 'list',
  commas: true,
  merge: 'append',
  placeholder: 'NAME',
  group: 'Certificates',
  help: 'Only those of this service: admin, api-server, auth-proxy, cloud-controller, controller-manager, etcd, k3s-controller, k3s-server, kube-proxy, kubelet, scheduler or supervisor',
} as const satisfies Option;

export const CERTIFICATE_ROTATE_OPTIONS = [SERVICE_OPTION, DATA_DIR_OPTION] as const;

export const CERTIFICATE_CHECK_OPTIONS = [
  {
    name: 'output',
    short: 'o',
    type: 'choice',
    choices: ['text', 'table', 'json', 'yaml'],
    default: 'text',
    group: 'Certificates',
    help: 'Print it in this form',
  },
  { ...SERVICE_OPTION, help: `${SERVICE_OPTION.help}; or certificate-authority` },
  DATA_DIR_OPTION,
] as const satisfies readonly Option[];

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
  {
    name: 'certificate check',
    summary: 'Show until when certificates are valid; the exit status is 1 when one should have been replaced',
    usage: '[OPTION]...',
    options: CERTIFICATE_CHECK_OPTIONS,
  },
  {
    name: 'certificate rotate',
    summary: 'Put certificates aside, so that a running server replaces them at once and a stopped one at its start',
    usage: '[OPTION]...',
    options: CERTIFICATE_ROTATE_OPTIONS,
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
