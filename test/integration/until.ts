import { systemClock } from '../../src/core/clock.ts';

const INTERVAL = 100;

/**
 * Tries again until `attempt` does not throw, and returns what it returned; what it threw last is thrown when `limit` ms have
 * passed. For everything that `kubectl wait` and `kubectl rollout status` cannot wait for.
 */
export async function until<T>(attempt: () => Promise<T>, limit = 60_000): Promise<T> {
  const deadline = systemClock.monotonic() + limit;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (systemClock.monotonic() > deadline) throw error;
    }
    await systemClock.sleep(INTERVAL);
  }
}
