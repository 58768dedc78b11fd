import { defineConfig } from 'vitest/config'

const shared = {
  // Packages are tested from their sources; what users get is built by scripts/build.mjs and tried by the demo and the
  // smoke test.
  resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] } },
}

/** They measure memory and time, so each runs while nothing else does. */
const measurements = ['packages/*/test/allocation.test.ts', 'packages/*/test/speed-guard.test.ts']

export default defineConfig({
  ...shared,
  test: {
    retry: 0,
    // A file on each core; `--maxWorkers 1` runs one at a time.
    maxWorkers: '100%',
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: [
            'packages/*/test/**/*.test.ts',
            'examples/*/test/**/*.test.ts',
            'bench/test/**/*.test.ts',
            'test/**/*.test.ts',
            'packages/*/test/**/*.fuzz.ts',
          ],
          exclude: ['**/*.kernel.test.ts', ...measurements, '**/node_modules/**'],
          pool: 'forks',
          sequence: { groupOrder: 1 },
          // Long enough for a machine that is busy: nothing waits for time to pass.
          testTimeout: 30_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'kernel',
          include: ['**/*.kernel.test.ts'],
          exclude: ['**/node_modules/**'],
          pool: 'forks',
          // One at a time: losses and overruns depend on how much of the machine a test has.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'measurements',
          include: measurements,
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 180_000,
        },
      },
    ],
  },
})
