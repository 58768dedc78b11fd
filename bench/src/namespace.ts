import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Runs `program`, the URL of its module, once more in a network namespace of its own, with loopback up, `rules` (iptables words) made
 * and `--inside` before its own words; its exit code becomes ours.
 */
export function runInNamespace(program: string, rules: readonly string[], nodeOptions: readonly string[] = []): void {
  const flags = process.getuid?.() === 0 ? ['-n'] : ['-Urn']
  const node = [process.execPath, ...nodeOptions, fileURLToPath(program), '--inside', ...process.argv.slice(2)]
  const steps = ['ip link set lo up', ...rules.map((rule) => `iptables -w ${rule}`), 'exec "$@"']
  const { status } = spawnSync('unshare', [...flags, 'sh', '-c', steps.join(' && '), 'sh', ...node], {
    stdio: 'inherit',
    env: { ...process.env, XTABLES_LOCKFILE: `/tmp/ringlink-xtables-${process.getuid?.()}.lock` },
  })
  process.exitCode = status ?? 1
}
