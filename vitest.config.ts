import { defineConfig } from 'vitest/config';

// `unit` needs nothing but Node. `integration` brings up real clusters: it needs root and the built components (scripts/test.ts).
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          pool: 'threads',
          isolate: false,
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.d.ts', 'src/**/generated/**', 'src/**/testing/**', 'src/cli/**', 'src/bootstrap/**'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: '.cache/coverage',
      thresholds: {
        'src/framework/**': { lines: 90 },
        'src/cluster/**': { lines: 90 },
        'src/datastore/**': { lines: 90 },
        'src/pki/**': { lines: 90 },
      },
    },
  },
});
