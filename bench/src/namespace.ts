import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Runs `program`, the URL of its module, once more in a network namespace of its own, with `--inside` before its own
 * arguments; its exit code becomes ours.
 */
export function runInNamespace(program: string, nodeOptions: readonly string[] = []): void {
  const flags = process.getuid?.() === 0 ? ['-n'] : ['-Urn']
  const node = [process.execPath, ...nodeOptions, fileURLToPath(program), '--inside', ...process.argv.slice(2)]
  const { status } = spawnSync('unshare', [...flags, ...node], {
    stdio: 'inherit',
    env: { ...process.env, XTABLES_LOCKFILE: `/tmp/ringlink-xtables-${process.getuid?.()}.lock` },
  })
  process.exitCode = status ?? 1
}
