import { describe, test } from 'vitest';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { FakeCluster } from '../../../src/framework/testing/fake-cluster.ts';
import { runScenario, scenariosFor } from './run.ts';

describe('the fake cluster', () => {
  test.each(scenariosFor({ hasControllers: true }))('$name', async (scenario) => {
    const clock = new VirtualClock();
    const client = new FakeCluster({ clock });
    const progress = { done: false };
    const run = runScenario({ client, hasControllers: true }, scenario).finally(() => {
      progress.done = true;
    });
    // A scenario may wait for a watch's time-out; nothing in it waits longer than that.
    run.catch(() => {});
    while (!progress.done) await clock.advance(1_000);
    await run;
  });
});
