import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/million.ts', 'src/window.ts', 'src/log.ts', 'src/log-receiver.ts'],
  format: ['esm'],
  target: 'node20',
  clean: true,
})
