import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { runCommand } from '../../src/node/run-command.ts';

/**
 * A switch that machines are plugged into: a bridge in a network namespace of its own, so that nothing of it, not even an
 * interface, is seen on the host, and any number of tests may use the same addresses.
 */
export interface MachineNetwork extends AsyncDisposable {
  /** The switch's address: the machines' default route and name server (nothing answers there). */
  readonly gateway: string;
  /** `10.89.0.11`, then `.12`, … */
  nextAddress(): string;
  /** Gives the network namespace of the process an interface `eth0` with this address, and a default route. */
  plugIn(processId: number, address: string): Promise<void>;
}

const PREFIX = '10.89.0';
const BRIDGE = 'switch0';

export async function createMachineNetwork(): Promise<MachineNetwork> {
  const gateway = `${PREFIX}.1`;
  // The namespace lives as long as this process, which ends when its standard input is closed: with the test at the latest.
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo up; read -r _'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const inside = namespaceOf(holder);
  await inside(`
    ip link set lo up
    ip link add ${BRIDGE} type bridge
    ip address add ${gateway}/24 dev ${BRIDGE}
    ip link set ${BRIDGE} up
  `);
  let last = 10;
  let ports = 0;
  return {
    gateway,
    nextAddress: () => `${PREFIX}.${++last}`,
    async plugIn(processId, address) {
      const port = `port${++ports}`;
      await inside(
        `ip link add ${port} type veth peer name eth0 netns ${processId}; ip link set ${port} master ${BRIDGE} up`,
      );
      await runCommand('nsenter', [
        `--target=${processId}`,
        '--net',
        'sh',
        '-ec',
        `ip link set lo up
         ip address add ${address}/24 dev eth0
         ip link set eth0 up
         ip route add default via ${gateway}`,
      ]);
    },
    async [Symbol.asyncDispose]() {
      if (holder.exitCode !== null) return;
      const ended = once(holder, 'exit');
      holder.stdin.end();
      await ended;
    },
  };
}

function namespaceOf(holder: ChildProcess): (script: string) => Promise<string> {
  return (script) => runCommand('nsenter', [`--target=${holder.pid}`, '--net', 'sh', '-ec', script]);
}
