// Type-checks everything as one program: packages read each other's sources, so one pass reads each file once.
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.check.json'], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
