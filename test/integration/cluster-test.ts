import { test } from 'vitest';
import { K3sMachine, type StartOptions } from './k3s-machine.ts';

export interface ClusterOptions extends StartOptions {
  /** Names the machine and the folder of its logs. */
  readonly name: string;
  /** Before the server starts: files, images. */
  readonly prepare?: (k3s: K3sMachine) => Promise<void>;
}

/**
 * `test` for the tests of one file: they share a cluster, `cluster`, that has the image TEST_TOOLS. When one fails, it says where the logs
 * are and how they end.
 */
export function clusterTest({ name, prepare, ...start }: ClusterOptions) {
  return (
    test
      // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern which fixtures are needed
      .extend('cluster', { scope: 'file' }, async ({}, { onCleanup }) => {
        const k3s = await K3sMachine.create(name, { testTools: true });
        onCleanup(() => k3s[Symbol.asyncDispose]());
        await prepare?.(k3s);
        await k3s.start(start);
        return k3s;
      })
      .extend('failureReport', { auto: true }, ({ cluster, task, onTestFailed }) => {
        onTestFailed(() => cluster.explainFailure(task.name));
      })
  );
}
