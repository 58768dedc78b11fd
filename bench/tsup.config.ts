import { defineConfig } from 'tsup'

export default defineConfig({
  entry: [
    'src/main.ts',
    'src/report.ts',
    'src/million.ts',
    'src/window.ts',
    'src/log-receiver.ts',
    'src/codec.ts',
    'src/allocations.ts',
    'src/handlers/queue.ts',
    'src/handlers/queue-workers.ts',
    'src/handlers/queue-worker.ts',
    'src/handlers/fan-out-module.ts',
    'src/handlers/npm-nfqueue.ts',
    'src/handlers/npm-netlink.ts',
  ],
  format: ['esm'],
  target: 'node20',
  clean: true,
})
