import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    memory: 'src/wire/memory.ts',
    errors: 'src/errors.ts',
    'inspect/index': 'src/inspect/index.ts',
    arbitrary: 'src/schema/arbitrary.ts',
  },
  format: ['esm'],
  target: 'node20',
  dts: true,
  clean: true,
  sourcemap: true,
})
