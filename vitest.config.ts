import { defineConfig } from 'vitest/config';

// Unit tests only. Tests on real clusters are run by test/integration/run.ts, which needs root and the built components.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/conformance/**'],
          pool: 'threads',
          isolate: false,
          testTimeout: 10_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/generated/**', 'src/cli/**'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: '.cache/coverage',
    },
  },
});
