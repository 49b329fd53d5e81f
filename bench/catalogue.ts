import type { Benchmark } from './benchmark.ts';

/** Loaded on use, since each one brings its own world. */
export const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  'cold-start': async () => (await import('./cold-start.ts')).coldStart,
  memory: async () => (await import('./memory.ts')).memory,
};
