import { createMachine, type Machine } from '../../test/machine.ts';
import { NODE_NAME } from './bench-cluster.ts';

/** A machine that gets the processors before whatever else the host is busy with, so that a build beside it does not measure along. */
export async function createBenchMachine(): Promise<Machine> {
  await using undo = new AsyncDisposableStack();
  const machine = undo.use(await createMachine({ name: NODE_NAME }));
  // The largest values that cgroups of version 1 and 2 take.
  await machine.run(`
    cd /sys/fs/cgroup
    if test -e cpu/cpu.shares; then echo 262144 >cpu/cpu.shares; else echo 10000 >cpu.weight; fi`);
  undo.move();
  return machine;
}
