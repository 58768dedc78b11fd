import { defineConfig } from 'tsup'

export default defineConfig({
  // Beside the entry, what scripts/check-kernel.mjs takes apart.
  entry: ['src/index.ts', 'src/netlink/open.ts', 'src/netlink/options.ts', 'src/netlink/system.ts'],
  format: ['esm'],
  target: 'node20',
  dts: true,
  clean: true,
  sourcemap: true,
})
