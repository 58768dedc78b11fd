import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/netlink-ring/index.ts', 'src/conformance/index.ts', 'src/faults/index.ts'],
  format: ['esm'],
  target: 'node20',
  dts: true,
  clean: true,
  sourcemap: true,
})
