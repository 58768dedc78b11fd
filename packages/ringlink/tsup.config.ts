import { defineConfig } from 'tsup'

export default defineConfig({
  // A Worker starts from a file of its own.
  entry: { index: 'src/index.ts', 'fan-out-worker': 'src/fan-out/worker.ts' },
  // A chunk that both share would lose what index.ts exports of @ringlink/client as a whole.
  splitting: false,
  format: ['esm'],
  target: 'node20',
  dts: true,
  clean: true,
  sourcemap: true,
})
