import type { Machine, MachineProcess } from '../../test/machine.ts';

/** One way to run a single-node cluster on a machine of its own. */
export interface BenchCluster extends AsyncDisposable {
  readonly machine: Machine;
  /** The administrator's kubeconfig, as a path inside the machine. */
  readonly kubeconfig: string;
  /** Starts everything at once and returns the command, which runs until `stop`. What it prints is in files under /var/log. */
  start(): Promise<MachineProcess>;
  /** Ends it as an administrator would before a reboot. What it leaves running is the reboot's business. */
  stop(): Promise<void>;
  /** Called once, when the API server of the first start is ready: what has to be installed by hand. */
  install(): Promise<void>;
}

/** The name of every machine's only node, and the machine's host name. */
export const NODE_NAME = 'bench';
