import { defineConfig } from 'vitest/config'

const shared = {
  // Packages are tested from their sources; what users get is built by scripts/build.mjs and tried by the demo and the smoke test.
  resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['ringlink-source', 'node', 'import', 'default'] } },
}

export default defineConfig({
  ...shared,
  test: {
    retry: 0,
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
          exclude: ['**/*.kernel.test.ts', '**/node_modules/**'],
          pool: 'forks',
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
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
