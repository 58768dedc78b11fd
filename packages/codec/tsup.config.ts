import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/memory.ts', 'src/errors.ts', 'src/inspect/index.ts', 'src/arbitrary.ts'],
  format: ['esm'],
  target: 'node20',
  dts: true,
  clean: true,
  sourcemap: true,
})
